"""A PostgreSQL server for the tests, of Debian's package or any other; installs one where none is found and it may."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

DEBIAN = Path("/usr/lib/postgresql")
MISSING = (
    "The tests of the PostgreSQL store need its server programs and none were found. Install them (Debian or Ubuntu: "
    "apt-get install postgresql; macOS: brew install postgresql), or name their folder with PG_BIN=/path/to/bin."
)
QUICK = ("fsync=off", "full_page_writes=off", "listen_addresses=", "shared_buffers=16MB", "max_connections=40")
UNPRIVILEGED = ("postgres", "nobody")
START_SECONDS = 30


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`: `PG_BIN` names one, else Debian's newest, else what is on the path."""
    found = shutil.which("initdb")
    candidates = [os.environ.get("PG_BIN"), *sorted(map(str, DEBIAN.glob("*/bin")), reverse=True)]
    candidates.append(str(Path(found).parent) if found else None)
    return next((Path(each) for each in candidates if each and (Path(each) / "initdb").exists()), None)


def install() -> None:
    """Try Debian's package where we may; its own cluster is not needed and not started."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", *arguments], env=environment, check=False, stdout=subprocess.DEVNULL)


@contextmanager
def server() -> Iterator[str]:
    """A fresh server on a socket of its own, for as long as the block lasts; gives the URL of its database `postgres`.

    Raises:
        RuntimeError: there is none; the message says how to get one.
    """
    folder = programs()
    if folder is None:
        raise RuntimeError(MISSING)
    home = Path(mkdtemp(prefix="pg-"))
    user = _user()
    shutil.chown(home, user)
    run_as: dict[str, Any] = {"user": user} if os.geteuid() == 0 else {}
    subprocess.run(
        [
            folder / "initdb",
            "-D",
            home / "data",
            "-U",
            "tests",
            "--auth=trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        **run_as,
    )
    settings = [word for setting in QUICK for word in ("-c", setting)]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [folder / "postgres", "-D", home / "data", "-k", home, *settings], stdout=log, stderr=log, **run_as
        )
    try:
        _await(home, process)
        yield f"postgresql://tests@/postgres?host={home}"
    finally:
        process.send_signal(signal.SIGINT)  # the quick end, which waits for no client
        process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _user() -> str:
    """Who may run it: PostgreSQL refuses root."""
    if os.geteuid():
        return pwd.getpwuid(os.geteuid()).pw_name
    known = {each.pw_name for each in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED if name in known)


def _await(home: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while not list(home.glob(".s.PGSQL.*[0-9]")) or "ready to accept" not in (home / "log").read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {(home / 'log').read_text()[-500:]}")
        time.sleep(0.02)


def main() -> int:
    if programs() is None:
        print("No PostgreSQL found: installing one for the tests …")
        install()
    if programs() is None:
        print(MISSING, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
