"""Finds a Chromium for the browser tests, or installs one: the Debian package when root, playwright's own otherwise."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
MISSING = (
    "The browser tests need a Chromium and none was found. Install one (Debian or Ubuntu: apt-get install chromium; "
    "macOS: brew install --cask chromium), or name one with CHROMIUM=/path/to/chromium."
)


def installed() -> Path | None:
    """The browser to drive: `CHROMIUM` names one, else the system's, else playwright's own download."""
    for candidate in (os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), _downloaded()):
        if candidate and Path(candidate).exists():
            return Path(candidate)
    return None


def _downloaded() -> str | None:
    try:
        with sync_playwright() as playwright:
            return playwright.chromium.executable_path
    except Error:
        return None


def install() -> None:
    """Try Debian's package where we may, then playwright's download."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *arguments], env=environment, check=False, stdout=subprocess.DEVNULL)
        if installed():
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium.

    Raises:
        RuntimeError: there is none; the message says how to get one.
    """
    executable = installed()
    if executable is None:
        raise RuntimeError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()


def main() -> int:
    if installed() is None:
        print("No Chromium found: installing one for the browser tests …")
        install()
    if installed() is None:
        print(MISSING, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
