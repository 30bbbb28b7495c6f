"""The trail tells whatever is done to it behind its back, and holds the book against what was written."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DatabaseError

from billing import approvals
from billing.audit import Entry, Head, extended, faults
from billing.canonical import canonical, digest
from billing.consistency import examined, noted
from billing.store import Store
from billing.tables import actions, head, trail
from tests.billing.planned import NOW, entered, planned

Harm = Callable[[sa.Connection], object]


def chain(length: int) -> list[Entry]:
    entries: list[Entry] = []
    end = Head()
    for number in range(length):
        body = canonical({"n": number})
        entries.append(extended(end, at=NOW, event="planned", action_id=f"act_{number}", actor="planner", body=body))
        end = Head(entries[-1].seq, entries[-1].digest)
    return entries


def end_of(entries: list[Entry]) -> Head:
    return Head(entries[-1].seq, entries[-1].digest)


def test_canonical_text_is_one_for_one_value_and_takes_no_floats() -> None:
    assert canonical({"b": [1, None, True], "a": "ü\n"}) == '{"a":"\\u00fc\\n","b":[1,null,true]}'
    # sha256 of the two bytes `{}`, as `printf '{}' | sha256sum` says it
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    with pytest.raises(TypeError):
        canonical({"amount": [1.5]})  # type: ignore[list-item]


def test_a_whole_trail_has_no_faults_and_an_empty_one_neither() -> None:
    entries = chain(4)
    assert not list(faults(entries, end_of(entries), [end_of(entries[:2])]))
    assert not list(faults([], Head()))


@given(st.data())
def test_no_entry_can_be_changed_taken_out_or_put_elsewhere(data: st.DataObject) -> None:
    entries = chain(5)
    end = end_of(entries)
    place = data.draw(st.integers(0, 4))
    how = data.draw(st.sampled_from(["edit", "delete", "swap", "rewrite"]))
    if how == "edit":
        entries[place] = Entry(**vars(entries[place]) | {"actor": "somebody"})
    elif how == "delete":
        del entries[place]
    elif how == "swap":
        other = (place + 1) % 5
        entries[place], entries[other] = entries[other], entries[place]
    else:  # every entry from there on made anew, so that the chain itself fits
        last = end_of(entries[:place]) if place else Head()
        for number in range(place, 5):
            told = vars(entries[number]) | {"actor": "somebody"}
            told = {name: told[name] for name in ("at", "event", "action_id", "actor", "body")}
            entries[number] = extended(last, **told)
            last = end_of(entries[: number + 1])
    assert list(faults(entries, end))


def test_a_cut_end_shows_by_what_was_noted_even_where_the_head_was_set_back() -> None:
    entries = chain(5)
    kept = entries[:3]
    assert not list(faults(kept, end_of(kept)))
    (cut,) = faults(kept, end_of(kept), [end_of(entries)])
    assert cut.seq == 5
    assert "cut" in cut.words


def without_guard(connection: sa.Connection, sql: str) -> None:
    """As somebody does who may do everything in the database."""
    if connection.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"drop trigger audit_trail_no_{verb}")
    else:
        connection.exec_driver_sql("alter table audit_trail disable trigger all")
    connection.exec_driver_sql(sql)


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (lambda c: without_guard(c, "update audit_trail set actor = 'eve' where seq = 2"), "not what was written"),
        (lambda c: without_guard(c, "delete from audit_trail where seq = 2"), "missing"),
        (lambda c: c.execute(head.update().values(seq=2)), "its head says"),
        (lambda c: c.execute(actions.update().values(state="approved")), "in the book"),
        (lambda c: c.execute(actions.update().values(amount=1)), "not what was planned"),
        (lambda c: c.execute(actions.update().values(request="{}")), "another request in the book"),
        (lambda c: c.execute(actions.update().values(approved_by="eve")), "another approved_by in the book"),
        (lambda c: c.execute(actions.delete()), "not in the book"),
    ],
)
def test_what_is_done_behind_its_back_shows(store: Store, harm: Harm, word: str) -> None:
    one, _ = entered(store, planned("flag_1"), planned("flag_2"))
    approvals.approve(store, [one], "mara", NOW)
    approvals.revoke(store, [one], "mara", NOW)
    with store.reading() as connection:
        assert examined(connection, noted(store.anchor))[1] == []
    with store.engine.begin() as connection:
        harm(connection)
    with store.reading() as connection:
        found = examined(connection, noted(store.anchor))[1]
    assert any(word in fault.words for fault in found), found


@pytest.mark.parametrize(
    ("event", "body", "words"),
    [
        ("intended", {"state": "intended", "request": "{}"}, "can't be intended after it was proposed"),
        ("approved", {"state": "done"}, "can't be approved after it was proposed"),
        ("acted", {"state": "acted"}, "can't be acted after it was proposed"),
        ("commented", {"state": "approved"}, "can't be commented after it was proposed"),
    ],
)
def test_a_step_that_does_not_lead_on_from_the_one_before_is_a_fault(
    sqlite: Store, event: str, body: dict[str, str], words: str
) -> None:
    (id_,) = entered(sqlite, planned())
    with sqlite.writing() as transaction:
        transaction.record(event, at=NOW, actor="eve", action_id=id_, body=body)
        transaction.connection.execute(actions.update().values(state=body["state"]))
    with sqlite.reading() as connection:
        found = examined(connection, noted(sqlite.anchor))[1]
    assert any(words in fault.words for fault in found), found


@pytest.mark.parametrize("verb", ["update audit_trail set actor = 'eve'", "delete from audit_trail"])
def test_the_database_itself_refuses_changes_of_the_trail(store: Store, verb: str) -> None:
    entered(store, planned())
    with pytest.raises(DatabaseError, match="append-only"), store.engine.begin() as connection:
        connection.exec_driver_sql(verb)


def test_a_transaction_that_fails_leaves_neither_entry_nor_note(store: Store) -> None:
    entered(store, planned())
    before = noted(store.anchor)
    with pytest.raises(ZeroDivisionError), store.writing() as transaction:
        transaction.record("planned", at=NOW, actor="planner", action_id=None, body={})
        raise ZeroDivisionError
    with store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(trail)).scalar_one() == 1
    assert noted(store.anchor) == before


def test_a_note_that_a_crash_cut_counts_for_nothing(tmp_path: Path) -> None:
    anchor = tmp_path / "audit.heads"
    anchor.write_text(f"1 {'a' * 64}\n2 {'b' * 20}")
    assert noted(anchor) == [Head(1, "a" * 64)]
