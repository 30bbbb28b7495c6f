"""Billing actions into the warehouse: the book of the operations database as a mart, and what the actions did.

Reads the operations database where there is one, and makes none.
"""

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from models.action_results import action_results_by_month, billing_actions
from models.contracts import marts as contracts
from models.contracts.operations import Actions
from models.published import daily_rates
from models.terms import Terms
from pipelines.settings import Settings
from pipelines.warehouse import tables

if TYPE_CHECKING:
    from billing.book import Planned

INVOICES = "select account_id, id, paid_at from staging.invoices where id in (select subject_id from acted)"
CHANGES = """
select account_id, customer_id, changed_at, mrr_delta_reporting
from marts.mrr_changes where customer_id in (select customer_id from acted)
"""


def written(connection: duckdb.DuckDBPyConnection, settings: Settings, terms: Terms) -> dict[str, int]:
    """Make `marts.billing_actions` and `marts.action_results_by_month`; rows by table.

    Raises:
        BillingError: the operations database can't be opened.
    """
    rates = daily_rates(tables.read(connection, contracts.ExchangeRates).lazy())
    acted = billing_actions(held(settings).lazy(), rates, terms).collect()
    connection.register("acted", acted)
    invoices, changes = (connection.sql(query).pl().lazy() for query in (INVOICES, CHANGES))
    connection.unregister("acted")
    results = action_results_by_month(acted.lazy(), invoices, changes, terms)
    return {
        contracts.BillingActions.table_name: tables.write(connection, contracts.BillingActions, acted),
        contracts.ActionResultsByMonth.table_name: tables.write(connection, contracts.ActionResultsByMonth, results),
    }


def held(settings: Settings) -> pl.DataFrame:
    """The book as it stands, contracts.operations.Actions; empty where nothing was ever planned."""
    empty = Actions.create_empty()
    if not settings.operations_url and not settings.operations_file.exists():
        return empty
    from billing.actions.catalogue import ACTIONS
    from pipelines import actions

    listed = [each for each in actions.listed(settings) if ACTIONS[each.kind].of_a_customer]
    rows = [_row(each, empty.columns) for each in listed]
    return pl.DataFrame(rows, schema=empty.schema)


def _row(planned: "Planned", columns: list[str]) -> dict[str, object]:
    told = vars(planned)
    spoken: dict[str, object] = {
        "effect": json.loads(planned.effect)["words"],
        "reasons": json.loads(planned.reasons),
        "mrr_at_risk_reporting": _amount(planned.mrr_at_risk_reporting),
        "expected_loss_reporting": _whole(planned.expected_loss_reporting),
    }
    return {name: spoken.get(name, told.get(name)) for name in columns}


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _whole(text: str | None) -> int | None:
    return None if text is None else int(Decimal(text).to_integral_value())
