"""Cut lists are made whole, and nothing else changes."""

import asyncio
import json
from collections.abc import Sequence

from pipelines.extract.catalogue import BY_NAME, Nested
from pipelines.extract.nested import cut, whole

CUT = (
    b'{"id":"sub_1","rate":1.50,"items":{"object":"list","data":[{"id":"si_1"}],"has_more":true,'
    b'"url":"/v1/subscription_items?subscription=sub_1"},"plan":null}'
)


def completed(payload: bytes) -> tuple[bytes, list[tuple[str, Sequence[tuple[str, str]]]]]:
    asked: list[tuple[str, Sequence[tuple[str, str]]]] = []

    async def list_all(_: Nested, path: str, parameters: Sequence[tuple[str, str]]) -> Sequence[bytes]:
        asked.append((path, parameters))
        return [b'{"id":"si_1","worth":2.0}', b'{"id":"si_2","worth":0.10}']

    return asyncio.run(whole(BY_NAME["subscriptions"], "sub_1", payload, list_all)), asked


def test_a_cut_list_is_read_to_its_end_and_put_back_byte_for_byte() -> None:
    payload, asked = completed(CUT)
    assert payload == (
        b'{"id":"sub_1","rate":1.50,"items":{"object":"list","data":[{"id":"si_1","worth":2.0},{"id":"si_2",'
        b'"worth":0.10}],"has_more":false,"url":"/v1/subscription_items?subscription=sub_1"},"plan":null}'
    )
    assert asked == [("/v1/subscription_items", [("subscription", "sub_1"), ("expand[]", "data.discounts")])]
    assert not cut(BY_NAME["subscriptions"], payload)


def test_a_whole_list_costs_nothing_and_stays_as_it_came() -> None:
    payload = CUT.replace(b'"has_more":true', b'"has_more":false')
    assert completed(payload) == (payload, [])
    assert completed(b'{"id":"sub_1","items":null}') == (b'{"id":"sub_1","items":null}', [])
    assert json.loads(payload)["items"]["has_more"] is False
