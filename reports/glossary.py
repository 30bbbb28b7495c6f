"""Each metric's formula in words, from `glossary.toml`: whole on the definitions page, in short beside each figure."""

import tomllib
from pathlib import Path
from typing import Any

from dashboards.page import Definition


def _read() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "glossary.toml").read_text(encoding="utf-8"))


_GLOSSARY = _read()

ENTRIES: tuple[Definition, ...] = tuple(
    Definition(term, entry["name"], entry["formula"], entry.get("note", "")) for term, entry in _GLOSSARY.items()
)
"""Every definition, in the order of the definitions page."""

SHORT: dict[str, str] = {term: entry.get("brief", entry["formula"]) for term, entry in _GLOSSARY.items()}
"""Term to the words beside a figure."""
