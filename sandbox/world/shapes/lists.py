"""The list object that wraps every collection of the API. Knows nothing of what is in it."""

from collections.abc import Iterable
from typing import Any


def listed(data: Iterable[Any], *, url: str) -> dict[str, Any]:
    """A whole collection as one list object (`has_more` is false: the API cuts it to pages when it answers)."""
    return {"object": "list", "data": list(data), "has_more": False, "url": url}
