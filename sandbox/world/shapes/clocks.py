"""Test clocks: time of their own for customers that an account tries things with."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from typing import Any

WEEK = 7 * 86_400


def test_clock(
    *, id: str, created: int, frozen_time: int, name: str | None = None, advancing_to: int | None = None
) -> dict[str, Any]:
    """A test clock that stands at `frozen_time`, or is on its way to `advancing_to`."""
    advancing = {} if advancing_to is None else {"advancing": {"target_frozen_time": advancing_to}}
    return {
        "id": id,
        "object": "test_helpers.test_clock",
        "created": created,
        "deletes_after": created + WEEK,
        "frozen_time": frozen_time,
        "livemode": False,
        "name": name,
        "status": "advancing" if advancing else "ready",
        "status_details": advancing,
    }
