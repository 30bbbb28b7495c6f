"""Billing actions: what waits for approval and would be done, what was done, and what it brought against a holdout."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards.page import Column, Download, Page, Row, Section, Table, TableBlock, Tile, Tiles
from dashboards.values import Cell, Count, Missing, Month, Points, shown
from models.action_results import Comparison, compared
from reports.glossary import SHORT
from reports.marts import Marts
from reports.names import customer_names, sentence_case
from reports.rows import Rows
from reports.terms import Terms, joined, rate

LIST_ROWS = 100
WAITING = ("proposed", "approved", "revoked")
UNDER_WAY = ("intended", "acted")
NOTHING_PLANNED = "No action is planned; revenue actions plan proposes some for the accounts at risk."
NOTHING_DONE = "No action has been done so far."
NOTHING_MEASURED = "No action's 30 or 90 days are over yet."
NO_HOLDOUT = "no customer was held out, so nothing is claimed"
NOT_OVER = "none whose 30 or 90 days are over"

KINDS: Mapping[str, str] = {
    "retry_invoice": "Retry the invoice",
    "send_invoice": "Mail the invoice",
    "send_card_update": "Ask for another card",
    "pause_collection": "Pause collection",
    "resume_collection": "Resume collection",
    "extend_trial": "Extend the trial",
    "retention_coupon": "Give a coupon",
    "change_price": "Change price or quantity",
    "cancel": "Cancel",
    "refund": "Refund",
    "write_off": "Write the invoice off",
    "submit_dispute_evidence": "Submit dispute evidence",
    "adopt_schedule": "Make a schedule for the next period",
    "change_next_period": "Change the next period",
    "default_payment_method": "Change what invoices are charged to",
    "keep_subscription": "Take the cancellation back",
    "release_schedule": "Take the planned change back",
    "set_up_payment_method": "Get a payment method on file",
}
STATES: Mapping[str, str] = {
    "proposed": "To be approved",
    "approved": "Approved, waiting",
    "revoked": "Approval revoked",
    "rejected": "Rejected",
    "intended": "Under way",
    "acted": "Done, to be verified",
    "undone": "Did not happen",
    "unclear": "Unclear: look at it in Stripe",
    "held_out": "Held out",
}
MEASURES: Mapping[str, str] = {
    "recovered": "Invoices recovered in 30 days",
    "kept": "Customers kept for 90 days",
}
PLAIN = (
    "action_id",
    "kind",
    "rule",
    "flag_id",
    "score_kind",
    "customer_id",
    "subject_id",
    "arm",
    "state",
    "outcome",
)
AMOUNTS, REPORTED = ("amount", "cost"), ("amount_reporting", "cost_reporting")
MOMENTS = ("planned_at", "expires_at", "approved_at", "acted_at", "settled_at")
"""Columns of the downloads: as they are, of money, and instants."""

COUNTS = ("open", "treated", "acted", "treated_successes", "held_out", "held_out_successes")
SUMS = ("treated_base_reporting", "treated_value_reporting")


def page(marts: Marts, terms: Terms) -> Page:
    """Actions."""
    actions = marts.table("billing_actions")
    waiting = actions.filter(pl.col("state").is_in(WAITING))
    results = _results(marts)
    return Page(
        "actions",
        "Actions",
        findings(actions, results, terms),
        (
            Section("Waiting", (_tiles(actions, terms), _plans(waiting, marts, terms))),
            Section("Done", (_outcomes(actions, terms), _done(actions, marts, terms))),
            Section(
                "What they brought",
                (_brought(results, terms), _by_month(marts, terms)),
                (
                    "Customers are held out by lot before anything is done for them, as the rules say. What became of "
                    "those planned for is compared with what became of those held out; without a holdout nothing is "
                    "claimed, since what came may have come anyway.",
                ),
            ),
        ),
    )


def findings(actions: pl.DataFrame, results: Sequence[dict[str, Any]], terms: Terms) -> tuple[str, ...]:
    """What waits and what was brought, in sentences."""
    if actions.is_empty():
        return ("No billing action has been planned so far.",)
    counts = dict(actions["state"].value_counts().iter_rows())
    proposed, approved = counts.get("proposed", 0), counts.get("approved", 0)
    said = [f"{proposed:,} {_noun(proposed)} to be approved, {approved:,} approved and waiting."]
    settled = {_state(state).lower(): counts[state] for state in sorted(counts) if state not in (*WAITING, *UNDER_WAY)}
    if settled:
        said.append(f"So far: {joined([f'{count:,} {name}' for name, count in settled.items()])}.")
    said += [words for row in results if (words := _effect_words(row, terms))]
    return tuple(said)


def _noun(count: int) -> str:
    return "action waits" if count == 1 else "actions wait"


def _effect_words(row: Mapping[str, Any], terms: Terms) -> str:
    made: Comparison | None = row["compared"]
    if made is None:
        return ""
    sure = "" if made.low > 0 or made.high < 0 else ", which may be chance"
    ends = f"{terms.words(made.effect_low, signed=True)} to {terms.words(made.effect_high, signed=True)}"
    measured = f"{_kind(row['kind'])}, {MEASURES[row['measure']].lower()}"
    return f"{measured}: {terms.words(made.effect, signed=True)} against the holdout (95%: {ends}){sure}."


def _state(code: str) -> str:
    return STATES.get(code) or sentence_case(code)


def _kind(code: str) -> str:
    return KINDS.get(code) or sentence_case(code)


def _tiles(actions: pl.DataFrame, terms: Terms) -> Tiles:
    def of(*states: str) -> pl.DataFrame:
        return actions.filter(pl.col("state").is_in(states))

    open_ones = of("proposed", "approved")
    behind = f"{of('approved').height:,} approved and waiting, {of(*UNDER_WAY).height:,} under way"
    told: tuple[tuple[str, Cell, str, str], ...] = (
        ("To be approved", Count(of("proposed").height), "", behind if actions.height else ""),
        ("Would collect or pay back", terms.money(_sum(open_ones, "amount_reporting")), terms.unit, ""),
        ("Would give away or give up", terms.money(_sum(open_ones, "cost_reporting")), terms.unit, ""),
    )
    as_of = f"As of {terms.as_of_day_words}"
    return Tiles(
        tuple(
            Tile(label, value, unit, as_of, SHORT["billing_actions"], "billing_actions", now=now)
            for label, value, unit, now in told
        )
    )


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum() or 0)


def _plans(waiting: pl.DataFrame, marts: Marts, terms: Terms) -> TableBlock:
    names = customer_names(marts)
    ordered = waiting.sort("expected_loss_reporting", "action_id", descending=[True, False], nulls_last=True)
    columns = (
        Column("Customer"),
        Column("Action"),
        Column("Why"),
        Column("Expected loss", unit=terms.unit),
        Column("Moves", unit=terms.unit),
        Column("Costs", unit=terms.unit),
        Column("Stands"),
        Column("Until"),
    )

    def row(one: dict[str, Any]) -> Row:
        return Row(
            (
                names.get(one["customer_id"], one["customer_id"]),
                _kind(one["kind"]),
                "; ".join((one["reasons"] or [])[:3]),
                _money(one["expected_loss_reporting"], terms, "proposed by hand"),
                _money(one["amount_reporting"], terms, "no money moves at once"),
                _money(one["cost_reporting"], terms, "no money moves at once"),
                _state(one["state"]),
                terms.day(one["expires_at"]),
            )
        )

    return TableBlock(
        "Open plans, the largest expected loss first",
        Table(
            "open-plans",
            "Open plans, the largest expected loss first",
            columns,
            tuple(map(row, ordered.head(LIST_ROWS).to_dicts())),
            empty=NOTHING_PLANNED,
            more=max(0, ordered.height - LIST_ROWS),
            download=_download("open-plans", ordered, names, terms),
        ),
        f"{terms.unit}, at the rate of the plan's day",
        SHORT["billing_actions"],
        "billing_actions",
        "Approve with revenue actions approve; nothing is done without." if ordered.height else "",
    )


def _money(minor: int | None, terms: Terms, reason: str) -> Cell:
    return Missing(reason) if minor is None else terms.money(minor)


def _download(name: str, frame: pl.DataFrame, names: dict[str, str], terms: Terms) -> Download:
    header = (*PLAIN, "customer", "why", *AMOUNTS, "currency", *REPORTED, *MOMENTS, "request_id")

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        code = row["currency"]
        return (
            *(row[column] for column in PLAIN),
            names.get(row["customer_id"]),
            "; ".join(row["reasons"] or []),
            *(None if row[column] is None or code is None else terms.money(row[column], code) for column in AMOUNTS),
            code.upper() if code else None,
            *(None if row[column] is None else terms.money(row[column]) for column in REPORTED),
            *(terms.moment(row[column]) for column in MOMENTS),
            row["request_id"],
        )

    return Download(name, header, Rows(frame, cells))


def _outcomes(actions: pl.DataFrame, terms: Terms) -> TableBlock:
    counted = (
        actions.filter(~pl.col("state").is_in(WAITING))
        .group_by("kind", "state")
        .agg(count=pl.len(), amount=pl.col("amount_reporting").sum(), cost=pl.col("cost_reporting").sum())
        .sort("kind", "state")
    )
    rows = tuple(
        Row(
            (
                _kind(one["kind"]),
                _state(one["state"]),
                Count(one["count"]),
                terms.money(one["amount"]),
                terms.money(one["cost"]),
            )
        )
        for one in counted.to_dicts()
    )
    columns = (
        Column("Action"),
        Column("Outcome"),
        Column("Actions"),
        Column("Amount", unit=terms.unit),
        Column("Cost", unit=terms.unit),
    )
    return TableBlock(
        "What became of them",
        Table("action-outcomes", "What became of actions", columns, rows, empty=NOTHING_DONE),
        terms.unit,
        SHORT["billing_actions"],
        "billing_actions",
    )


def _done(actions: pl.DataFrame, marts: Marts, terms: Terms) -> TableBlock:
    names = customer_names(marts)
    settled = actions.filter(pl.col("settled_at").is_not_null()).sort(
        "settled_at", "action_id", descending=[True, False]
    )
    columns = (
        Column("When"),
        Column("Customer"),
        Column("Action"),
        Column("Outcome"),
        Column("Moved", unit=terms.unit),
        Column("Approved by"),
        Column("Request"),
    )

    def row(one: dict[str, Any]) -> Row:
        outcome = _state(one["state"])
        code = one["outcome"] if one["state"] != "done" else None
        return Row(
            (
                terms.day(one["settled_at"]),
                names.get(one["customer_id"], one["customer_id"]),
                _kind(one["kind"]),
                f"{outcome}: {sentence_case(code).lower()}" if code else outcome,
                _money(one["amount_reporting"] if one["state"] == "done" else 0, terms, "no money moves at once"),
                one["approved_by"],
                one["request_id"],
            )
        )

    return TableBlock(
        "The last actions",
        Table(
            "actions-done",
            "The last actions, newest first",
            columns,
            tuple(map(row, settled.head(LIST_ROWS).to_dicts())),
            empty=NOTHING_DONE,
            more=max(0, settled.height - LIST_ROWS),
            download=_download("actions-done", settled, names, terms),
        ),
        terms.unit,
        SHORT["billing_actions"],
        "billing_actions",
    )


def _results(marts: Marts) -> list[dict[str, Any]]:
    """By kind and measure, all months together."""
    summed = (
        marts.table("action_results_by_month")
        .group_by("kind", "measure")
        .agg(pl.col(*COUNTS, *SUMS).sum())
        .sort("kind", "measure")
    )
    return [row | {"compared": _compared(row)} for row in summed.to_dicts()]


def _compared(row: Mapping[str, Any]) -> Comparison | None:
    return compared(
        row["treated_successes"],
        row["treated"],
        row["held_out_successes"],
        row["held_out"],
        row["treated_base_reporting"],
    )


def _result_columns(terms: Terms) -> tuple[Column, ...]:
    return (
        Column("Planned for"),
        Column("Success of these"),
        Column("Held out"),
        Column("Success of those held out"),
        Column("Difference"),
        Column("Its 95% interval"),
        Column("Brought", unit=terms.unit),
        Column("95% interval of what it brought", unit=terms.unit),
    )


def _brought(results: Sequence[dict[str, Any]], terms: Terms) -> TableBlock:
    columns = (Column("Action"), Column("Measured by"), *_result_columns(terms))
    over = [row for row in results if row["treated"] or row["held_out"]]
    rows = tuple(Row((_kind(row["kind"]), MEASURES[row["measure"]], *_result_cells(row, terms))) for row in over)
    unripe = sum(row["open"] for row in results)
    return TableBlock(
        "Planned for against held out",
        Table(
            "action-results",
            "What actions brought, against customers held out",
            columns,
            rows,
            notes=(f"{unripe:,} not counted yet: their 30 or 90 days are not over",) if unripe else (),
            empty=NOTHING_MEASURED,
        ),
        f"Shares in percent, differences in percentage points, amounts in {terms.unit}",
        SHORT["action_results"],
        "action_results",
    )


def _by_month(marts: Marts, terms: Terms) -> TableBlock:
    over = (pl.col("treated") > 0) | (pl.col("held_out") > 0)
    frame = (
        marts.table("action_results_by_month")
        .filter(over)
        .sort("month", "kind", "measure", descending=[True, False, False])
    )
    columns = (Column("Month"), Column("Action"), Column("Measured by"), *_result_columns(terms))

    def row(one: dict[str, Any]) -> Row:
        lead = (Month(one["month"], one["is_partial"]), _kind(one["kind"]), MEASURES[one["measure"]])
        return Row((*lead, *_result_cells(one, terms)), "partial" if one["is_partial"] else "")

    return TableBlock(
        "Month by month",
        Table(
            "action-results-by-month",
            "What actions brought, by month of the plan",
            columns,
            tuple(map(row, frame.head(LIST_ROWS).to_dicts())),
            empty=NOTHING_MEASURED,
            more=max(0, frame.height - LIST_ROWS),
        ),
        f"Shares in percent, differences in percentage points, amounts in {terms.unit}",
        SHORT["action_results"],
        "action_results",
    )


def _result_cells(row: Mapping[str, Any], terms: Terms) -> tuple[Cell, ...]:
    return (
        Count(row["treated"]),
        rate(row["treated_successes"], row["treated"], NOT_OVER),
        Count(row["held_out"]),
        rate(row["held_out_successes"], row["held_out"], NO_HOLDOUT),
        *_compared_cells(_compared(row), Missing(NO_HOLDOUT if row["treated"] else NOT_OVER), terms),
    )


def _compared_cells(made: Comparison | None, missing: Missing, terms: Terms) -> tuple[Cell, ...]:
    if made is None:
        return (missing,) * 4
    return (
        Points(Decimal(made.difference)),
        f"{shown(Points(Decimal(made.low)))} to {shown(Points(Decimal(made.high)))}",
        terms.money(made.effect, signed=True),
        f"{shown(terms.money(made.effect_low, signed=True))} to {shown(terms.money(made.effect_high, signed=True))}",
    )
