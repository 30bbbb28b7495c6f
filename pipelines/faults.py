"""Keeps the traceback of an unexpected error for the maintainer, with every key blotted out."""

import re
import traceback
from datetime import datetime
from pathlib import Path

SECRET = re.compile(r"\b((?:sk|rk|pk|whsec)_(?:live|test)?_?)[A-Za-z0-9_]{4,}")


def redacted(text: str) -> str:
    """The text without API keys and signing secrets."""
    return SECRET.sub(r"\1…", text)


def logged(error: BaseException, folder: Path, now: datetime) -> Path:
    """Write the error's traceback into the folder and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"error-{now:%Y%m%dT%H%M%S}.log"
    file.write_text(redacted("".join(traceback.format_exception(error))))
    return file
