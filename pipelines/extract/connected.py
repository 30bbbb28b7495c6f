"""Which accounts are connected to a platform, as its key lists them."""

import asyncio

import msgspec

from pipelines.extract.account import Account
from pipelines.extract.client import Client
from pipelines.extract.shapes import Head

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
            ids += [msgspec.json.decode(each, type=Head).id for each in page.objects]
            if not page.has_more or not page.objects:
                return ids[::-1]
