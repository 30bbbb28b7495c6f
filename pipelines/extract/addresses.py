"""Ids as steps of an address. Merchants choose those of coupons, products and customers, so they may hold anything."""

from urllib.parse import quote, unquote

from pipelines.extract.errors import RequestRefused


def step(id: str) -> str:  # noqa: A002
    """An id as one step of a path.

    Raises:
        RequestRefused: no path can hold it.
    """
    if id in {".", ".."}:
        raise RequestRefused(f"No address can hold the id '{id}', so nothing can be read by it.")
    return quote(id, safe="")


def joined(*ids: str) -> str:
    """Several ids as one text, to be parted again."""
    return "/".join(quote(each, safe="") for each in ids)


def parted(text: str) -> list[str]:
    """The ids that `joined` made one text of."""
    return [unquote(each) for each in text.split("/")]
