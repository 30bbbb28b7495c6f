"""Who was erased, handed from the operations database to the warehouse: whoever opens it for work sees them kept out.

The operations database outlives the warehouse: one that is read anew, or brought back from a backup, learns of every
erasure before anything else happens in it.
"""

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse import erased, tables
from pipelines.warehouse.erased import Tombstone


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
            with tables.transaction(connection):
                erased.erase(connection, erased.search(connection, tombstone, each.ids))
