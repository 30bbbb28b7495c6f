"""`python -m sandbox` serves a grown company, and says what to do when it cannot."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

from tests.sandbox.api.account import ask_of

COMMAND = [sys.executable, "-m", "sandbox", "--customers", "5", "--months", "2"]


def _heeds_interrupts() -> None:
    """What a shell starts in the background ignores them, and so does whatever that starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_the_command_prints_url_and_key_and_serves_until_interrupted() -> None:
    running = subprocess.Popen(
        [*COMMAND, "--port", "0", "--key", "rk_test_mine"],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_heeds_interrupts,
    )
    assert running.stdout is not None
    try:
        said = "".join(iter(running.stdout.readline, "Interrupt to stop.\n"))
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url is not None
        assert "rk_test_mine" in said
        assert ask_of(url[0], "rk_test_mine")("/v1/account").status == 200
    finally:
        running.send_signal(signal.SIGINT)
        rest = running.communicate(timeout=60)[0]
    assert "Stopped." in rest


def test_an_end_that_is_no_instant_is_refused_with_an_example() -> None:
    done = subprocess.run([*COMMAND, "--end", "tomorrow"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "2026-11-15" in done.stderr
