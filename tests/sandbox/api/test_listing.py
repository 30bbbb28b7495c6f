"""Whatever is put, replaced and deleted, pages in either direction are slices of the plainly filtered list."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.api.filters import Between, Condition, Equal, Passing
from sandbox.api.listing import Window, page
from sandbox.store import Store

KIND = "payout"


@dataclass(frozen=True)
class Step:
    """One change of the account: payout `number` is put as it says, or deleted."""

    number: int
    created: int
    status: str
    delete: bool


statuses = st.sampled_from(["paid", "failed", "pending"])
steps = st.lists(
    st.builds(Step, st.integers(0, 12), st.integers(0, 5), statuses, st.booleans()),
    max_size=40,
)
conditions = st.lists(
    st.one_of(
        st.sampled_from(["paid", "failed"]).map(lambda status: Equal("status", status)),
        st.just(Passing("status", frozenset({"paid", "pending"}).__contains__)),
        st.tuples(st.integers(0, 5), st.integers(0, 6)).map(lambda ends: Between(*ends)),
    ),
    max_size=3,
)


def kept(store: Store, wanted: list[Condition]) -> list[str]:
    """Ids that satisfy all conditions, newest first, by looking at every object."""
    found = []
    for id_ in reversed(store.ids(KIND)):
        payout = store.get(KIND, id_)
        assert payout is not None
        checks = [
            each.first <= payout["created"] < each.end
            if isinstance(each, Between)
            else payout["status"] == each.value
            if isinstance(each, Equal)
            else each.test(payout["status"])
            for each in wanted
        ]
        if all(checks):
            found.append(id_)
    return found


def walked(store: Store, wanted: list[Condition], limit: int, *, back: bool) -> list[str]:
    """All pages one after another; backwards from the oldest."""
    shelf, found = store.shelf(KIND), list[str]()
    if back:
        oldest = kept(store, wanted)[-1:]
        found = oldest
    while True:
        window = Window(limit, None, found[0]) if back and found else Window(limit, found[-1] if found else None, None)
        slots, more = page(shelf, KIND, wanted, window)
        ids = [shelf.id_at[slot] for slot in slots]
        assert len(ids) <= limit
        found = ids + found if back else found + ids
        if not more:
            return found


@settings(max_examples=200)
@given(steps, conditions, st.integers(1, 4), st.booleans())
def test_pages_join_up_to_the_filtered_list(
    history: list[Step], wanted: list[Condition], limit: int, asked_between: bool
) -> None:
    store = Store()
    shelf = store.shelf(KIND)
    for step in history:
        id_ = f"po_{step.number}"
        if asked_between:
            shelf.where("status", "paid")
        if step.delete and id_ in shelf.slots:
            store.delete(KIND, id_)
        else:
            store.put({"id": id_, "object": KIND, "created": step.created, "status": step.status})
    expected = kept(store, wanted)
    assert walked(store, wanted, limit, back=False) == expected
    assert walked(store, wanted, limit, back=True) == expected
