"""What the API answers for an object that was deleted. Knows nothing of what the object was."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from typing import Any


def deleted(*, kind: str, id: str) -> dict[str, Any]:
    """The stub that a deletion returns, e.g. `{"id": "cus_1", "object": "customer", "deleted": true}`."""
    return {"id": id, "object": kind, "deleted": True}
