"""Which accounts are connected to a platform, as its key lists them."""

import asyncio
from contextlib import suppress

import msgspec

from pipelines.extract.account import ACCOUNT_ID, Account
from pipelines.extract.client import Client
from pipelines.extract.errors import RequestRefused
from pipelines.extract.shapes import Named

ACCOUNTS = "/v1/accounts"


def connected_ids(platform: Account) -> list[str]:
    """The ids of all connected accounts, oldest first.

    Raises:
        PermissionMissing: a restricted key without the permission to read connected accounts.
        ExtractError: the other types of `errors.py`, as their names say.
    """
    return asyncio.run(_listed(platform))


async def _listed(platform: Account) -> list[str]:
    ids: list[str] = []
    async with Client(platform) as client:
        while True:
            after = [("starting_after", ids[-1])] if ids else []
            page = await client.page("connected accounts", ACCOUNTS, [("limit", "100"), *after])
            found = [_id_of(each) for each in page.objects]
            if page.has_more and (not found or found[-1] in ids):
                raise RequestRefused(f"{ACCOUNTS} says that it has more and shows nothing new.")
            ids += found
            if not page.has_more:
                return ids[::-1]


def _id_of(account: bytes) -> str:
    with suppress(msgspec.ValidationError):
        id_ = msgspec.json.decode(account, type=Named).id
        if ACCOUNT_ID.fullmatch(id_):
            return id_
    raise RequestRefused(f"{ACCOUNTS} lists something that is no account: something other than Stripe answers.")
