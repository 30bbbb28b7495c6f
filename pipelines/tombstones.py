"""Who was erased, handed from the operations database to the warehouse and to the inbox, which keep them out.

The operations database outlives the warehouse: one that is read anew, or brought back from a backup, learns of every
erasure before anything else happens in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse import erased, keeping, tables
from pipelines.warehouse.erased import Tombstone
from pipelines.warehouse.redaction import Redaction, belongings, owner

if TYPE_CHECKING:
    from billing.store import Store


def hold(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Put up the tombstones that the warehouse lacks, and take out what it holds of whom they are for.

    Raises:
        BillingError: the operations database can't be read, so that nobody knows whom to keep out.
    """
    if not settings.operations_url and not settings.operations_file.exists():
        return
    from billing import erasures  # takes a moment, which most commands can spare
    from pipelines import operations

    with operations.opened(settings) as store:
        begun = erasures.listed(store)
    known = {(each.account_id, each.customer_id) for each in erased.tombstones(connection)} if begun else set()
    for each in begun:
        asked = each.asked
        if (asked.account_id, asked.customer_id) not in known:
            tombstone = Tombstone(asked.account_id, asked.customer_id, asked.kept_metadata)
            keeping.forget(connection, wholly=True)
            with tables.transaction(connection):
                erased.erase(connection, erased.search(connection, tombstone, each.ids))


@dataclass
class Keeper:
    """Keeps erased customers out of events that come in; looks for new erasures whenever the trail has grown.

    An event of theirs tells what else is theirs, such as a card that is detached from them and then changed.
    """

    store: "Store"
    _seq: int = -1
    _owned: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, frozenset[str]] = field(default_factory=dict)

    def redacted(self, payloads: Sequence[bytes]) -> Sequence[bytes]:
        """The payloads, those of erased customers without personal data."""
        self._look()
        return [self._one(each) for each in payloads] if self._owned else payloads

    def _one(self, payload: bytes) -> bytes:
        customer = owner(payload, self._owned)
        if customer is None:
            return payload
        self._owned |= dict.fromkeys(belongings(payload) - set(self._owned), customer)
        return Redaction(self._kept[customer]).of(payload)

    def _look(self) -> None:
        from billing import erasures
        from billing.webhooks import inbox

        if (seq := self.store.seq()) != self._seq:
            begun = erasures.listed(self.store)
            self._kept = {each.asked.customer_id: frozenset(each.asked.kept_metadata) for each in begun}
            with self.store.reading() as connection:
                self._owned = inbox.objects_of(connection, self._kept)
            self._owned |= {
                id_: each.asked.customer_id for each in begun for id_ in (*each.ids, each.asked.customer_id)
            }
            self._seq = seq
