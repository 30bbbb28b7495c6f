"""Tries which streams a key may read: one request each, so that missing permissions show before a run."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from pipelines.extract.account import Account
from pipelines.extract.catalogue import Changes, Stream
from pipelines.extract.client import Client
from pipelines.extract.errors import PermissionMissing, RequestRefused
from pipelines.warehouse.clocks import CLOCKS


def readable(account: Account, streams: Sequence[Stream]) -> dict[str, str | None]:
    """By stream that is listed or single and is read, None where the key may read it, else Stripe's refusal.

    Raises:
        KeyRefused: Stripe does not know the key.
        ApiUnavailable: no answer.
    """
    return asyncio.run(_tried(replace(account, limits=replace(account.limits, attempts=2)), streams))


async def _tried(account: Account, streams: Sequence[Stream]) -> dict[str, str | None]:
    async with Client(account) as client:
        return {
            stream.name: await _refusal(client, stream)
            for stream in streams
            if stream.changes is not Changes.UNDER and (stream.name != CLOCKS or account.reads_test_clocks)
        }


async def _refusal(client: Client, stream: Stream) -> str | None:
    try:
        if stream.changes is Changes.SINGLE:
            await client.object(stream.name, stream.path, "", kind=stream.kind)
        else:
            await client.page(stream.name, stream.path, [("limit", "1")])
    except PermissionMissing as error:
        return str(error)
    except RequestRefused as error:
        if not stream.optional:
            raise
        return str(error)
    return None
