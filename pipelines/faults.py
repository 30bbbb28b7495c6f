"""Keeps the traceback of an unexpected error for the maintainer, with every key blotted out."""

import traceback
from datetime import datetime
from pathlib import Path

from pipelines.extract.account import redacted


def logged(error: BaseException, folder: Path, now: datetime) -> Path:
    """Write the error's traceback into the folder and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"error-{now:%Y%m%dT%H%M%S}.log"
    file.write_text(redacted("".join(traceback.format_exception(error))))
    return file
