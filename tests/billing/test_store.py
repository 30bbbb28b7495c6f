"""Both databases are made by the migrations, stand in line for writers, and keep an approval to exactly what it was."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from billing import approvals, book
from billing.errors import BillingError, ConflictError, UsageError
from billing.store import MIGRATIONS, NEWEST, Store, open_store
from billing.tables import actions, metadata
from tests.billing.planned import NOW, entered, planned


def test_the_migrations_make_what_the_tables_say(store: Store) -> None:
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_migration_is_the_one_that_is_looked_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == NEWEST


def test_opening_again_keeps_what_is_there_and_only_the_owner_may_read_it(url: str | None, tmp_path: Path) -> None:
    first = open_store(url, tmp_path)
    entered(first, planned())
    first.close()
    again = open_store(url, tmp_path)
    with again.reading() as connection:
        assert [each.state for each in book.all_of(connection)] == ["proposed"]
    again.close()
    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}


def test_several_open_an_empty_database_at_once_and_write_one_after_the_other(url: str | None, tmp_path: Path) -> None:
    errors: list[Exception] = []

    def write(number: int) -> None:
        try:
            opened = open_store(url, tmp_path)
            for each in range(5):
                entered(opened, planned(f"flag_{number}_{each}"))
            opened.close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    opened = open_store(url, tmp_path)
    with opened.writing() as transaction:
        assert transaction.head.seq == 20
    opened.close()


def test_the_same_flag_and_rule_is_proposed_once(store: Store) -> None:
    assert len(entered(store, planned("flag_1"), planned("flag_2"))) == 2
    assert entered(store, planned("flag_1"), planned("flag_3")) == [planned("flag_3").action_id]


def test_what_expired_is_proposed_anew_and_needs_another_approval(store: Store) -> None:
    (id_,) = entered(store, planned())
    approvals.approve(store, [id_], "mara", NOW)
    later = NOW + timedelta(days=20)
    book.expire(store, later, "planner")
    entered(store, planned(planned_at=later, expires_at=later + timedelta(days=14), amount=5900))
    with store.reading() as connection:
        anew = book.one_of(connection, id_)
        assert (anew.state, anew.amount) == ("proposed", 5900)
        assert not approvals.stands(connection, anew)


def test_an_approval_says_who_and_when_and_can_be_taken_back_and_given_again(store: Store) -> None:
    (id_,) = entered(store, planned())
    (approved,) = approvals.approve(store, [id_], "mara", NOW)
    assert (approved.state, approved.approved_by, approved.approved_at) == ("approved", "mara", NOW)
    (revoked,) = approvals.revoke(store, [id_], "ops.1", NOW)
    assert (revoked.state, revoked.approved_by) == ("revoked", None)
    with store.reading() as connection:
        assert not approvals.stands(connection, revoked)
    approvals.approve(store, [id_], "ops.1", NOW)


@pytest.mark.parametrize("by", ["mara@example.com", "Mara Jansen", "", "x" * 65])
def test_an_approval_takes_a_login_and_no_personal_data(store: Store, by: str) -> None:
    (id_,) = entered(store, planned())
    with pytest.raises(UsageError, match="login"):
        approvals.approve(store, [id_], by, NOW)


def test_several_are_approved_together_or_not_at_all(store: Store) -> None:
    one, other = entered(store, planned("flag_1"), planned("flag_2", expires_at=NOW))
    with pytest.raises(ConflictError, match="expired"):
        approvals.approve(store, [one, other], "mara", NOW)
    with pytest.raises(UsageError, match="no action"):
        approvals.approve(store, [one, "act_unknown"], "mara", NOW)
    with store.reading() as connection:
        assert {each.state for each in book.all_of(connection)} == {"proposed"}


def test_a_row_that_was_approved_by_hand_is_not_believed(store: Store) -> None:
    (id_,) = entered(store, planned())
    with store.engine.begin() as connection:
        connection.execute(actions.update().values(state="approved", approved_by="mara", approved_at=NOW))
    with store.reading() as connection:
        assert not approvals.stands(connection, book.one_of(connection, id_))


def test_what_was_changed_after_its_approval_is_not_what_was_approved(store: Store) -> None:
    (id_,) = entered(store, planned())
    approvals.approve(store, [id_], "mara", NOW)
    with store.reading() as connection:
        approved = book.one_of(connection, id_)
        assert approvals.stands(connection, approved)
        assert not approvals.stands(connection, replace(approved, amount=490_000))


def test_a_claim_is_one_process_s_until_it_ends(store: Store) -> None:
    (id_,) = entered(store, planned())
    until = NOW + timedelta(minutes=5)

    def claimed(owner: str, now: object = NOW) -> bool:
        with store.writing() as transaction:
            return book.claim(transaction, id_, ("proposed",), owner, now, until)  # type: ignore[arg-type]

    assert claimed("one")
    assert not claimed("two")
    assert claimed("one")
    assert claimed("two", NOW + timedelta(minutes=6))
    with pytest.raises(ConflictError), store.writing() as transaction:
        book.step(transaction, id_, "approved", at=NOW, actor="one", owner="one")


def test_the_url_is_of_a_database_that_can_be_used_and_shows_no_password(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SQLite or PostgreSQL"):
        open_store("mysql://host/db", tmp_path)
    with pytest.raises(UsageError, match="postgresql://"):
        open_store("not a url", tmp_path)
    with pytest.raises(BillingError) as refused:
        open_store("postgresql://eve:hunter2@127.0.0.1:1/db", tmp_path)
    assert "hunter2" not in str(refused.value)


def test_a_compacted_database_holds_what_it_held(store: Store) -> None:
    with store.writing() as transaction:
        transaction.record("noted", at=NOW, actor="mara", action_id=None, body={"a": 1})
    store.compact()
    store.compact()
    assert store.seq() == 1
