"""At risk: whom to contact today and why, what it would cost to lose them, who is leaving anyway.

How well such lists would have done before is told by reports/risk_backtest.py.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Link, Rate
from reports import risk_backtest
from reports.explanations import dashboard
from reports.glossary import SHORT
from reports.marts import Marts, total
from reports.names import customer_names, sentence_case
from reports.rows import Rows
from reports.terms import Terms, counted, shown_rate

LIST_ROWS = 100
REASONS = 3
LEAVING = "leaving"
KINDS = {"payment": "Payment", "voluntary": "Voluntary", LEAVING: "Leaving"}
BANDS = (("high", "High risk"), ("medium", "Medium risk"))
ACTIONS = {
    "retry_invoice": "Retry the invoice",
    "send_invoice": "Send the invoice's link",
    "send_card_update": "Ask for another card",
    "retention_coupon": "Offer a coupon",
    "contact": "Talk to them",
}
NOBODY = "No account stands out."
NOBODY_PAYS = "Nobody pays yet, so nobody is at risk."
NOBODY_LEAVES = "No account has announced its leaving."


def page(marts: Marts, terms: Terms) -> Page:
    """At risk."""
    return Page(
        "at-risk",
        "At risk",
        findings(marts, terms),
        (
            Section("Whom to look after", (_bands(marts, terms), _list(marts, terms))),
            Section("Leaving already", (_leaving(marts, terms),)),
            Section("How well the list would have done", risk_backtest.blocks(marts, terms)),
            Section("What scores are made of", (risk_backtest.points(marts, terms),)),
        ),
    )


def findings(marts: Marts, terms: Terms) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    return tuple(sentence for sentence in (words(marts, terms), *risk_backtest.words(marts)) if sentence)


def words(marts: Marts, terms: Terms) -> str:
    """Who is at risk, with how much."""
    listed, leaving = _at_risk(marts), _announced(marts)
    if listed.is_empty() and leaving.is_empty():
        return NOBODY if marts.table("customers").filter(pl.col("mrr") > 0).height else NOBODY_PAYS
    loss = terms.words(total(listed, "expected_loss_reporting"))
    with_loss = f" of MRR and an expected loss of {loss}" if listed.height else ""
    return (
        f"{_accounts(listed, 'at risk', 'No', terms)}{with_loss}; {_accounts(leaving, 'leaving already', 'no', terms)}."
    )


def _accounts(frame: pl.DataFrame, what: str, none: str, terms: Terms) -> str:
    """How many are so and with how much; of none, no amount."""
    if frame.is_empty():
        return f"{none} accounts are {what}"
    verb = "is" if frame.height == 1 else "are"
    return f"{counted(frame.height, 'account')} {verb} {what}, with {terms.words(_mrr(frame))}"


def _at_risk(marts: Marts) -> pl.DataFrame:
    return marts.table("at_risk_accounts").filter(pl.col("score_kind") != LEAVING)


def _announced(marts: Marts) -> pl.DataFrame:
    return marts.table("at_risk_accounts").filter(pl.col("score_kind") == LEAVING)


def _mrr(frame: pl.DataFrame) -> Decimal:
    return total(frame, "mrr_at_risk_reporting")


def _bands(marts: Marts, terms: Terms) -> Chart:
    listed, leaving = _at_risk(marts), _announced(marts)
    groups = [(label, listed.filter(pl.col("risk_band") == band)) for band, label in BANDS]
    groups.append(("Leaving already", leaving))
    everything = _mrr(marts.table("customers").select(mrr_at_risk_reporting="mrr_reporting"))
    high = groups[0][1]
    empty = "" if listed.height or leaving.height else NOBODY
    return Chart(
        "mrr-at-risk",
        "MRR at risk, by band",
        figures.bars(
            [label for label, _ in groups], Series("MRR", "main", [terms.money(_mrr(frame)) for _, frame in groups])
        ),
        _bands_words(high, listed, everything, terms) if listed.height else NOBODY,
        f"{terms.unit} of MRR",
        SHORT["at_risk_accounts"],
        "at_risk_accounts",
        Table(
            "mrr-at-risk",
            f"MRR at risk by band, {terms.unit}",
            (
                Column("Band"),
                Column("Accounts"),
                Column("MRR", unit=terms.unit),
                Column("Share of all MRR"),
                Column("Expected loss", unit=terms.unit),
            ),
            tuple(
                Row(
                    (
                        label,
                        Count(frame.height),
                        terms.money(_mrr(frame)),
                        Rate(_mrr(frame), everything) if everything else None,
                        terms.money(total(frame, "expected_loss_reporting")),
                    )
                )
                for label, frame in groups
            ),
            empty=NOBODY,
            sortable=False,
        ),
        empty=empty,
        open_table=True,
    )


def _bands_words(high: pl.DataFrame, listed: pl.DataFrame, everything: Decimal, terms: Terms) -> str:
    share = shown_rate(Rate(_mrr(listed), everything)) if everything else "none"
    noun = "account is" if high.height == 1 else "accounts are"
    return (
        f"{share} of MRR is at risk; {high.height or 'no'} {noun} in the high band, with {terms.words(_mrr(high))} of "
        "MRR."
    )


def _list(marts: Marts, terms: Terms) -> TableBlock:
    frame = _ordered(_at_risk(marts))
    called = _called(marts)
    shared = (Column("MRR", unit=terms.unit), Column("Expected loss", unit=terms.unit))

    def row(one: dict[str, Any]) -> Row:
        return Row(
            (
                called(one),
                terms.money(one["mrr_at_risk_reporting"]),
                terms.money(one["expected_loss_reporting"]),
                _chance(one["probability_90d"]),
                Count(one["risk_score"]),
                KINDS[one["score_kind"]],
                _reasons(one["reasons"]),
                terms.day(one["next_invoice_at"]),
                action(one["recommended_action"]),
            )
        )

    columns = (
        Column("Customer"),
        *shared,
        Column("Chance, 90 days"),
        Column("Score"),
        Column("Way"),
        Column("Why, in points"),
        Column("Billed next"),
        Column("Suggested"),
    )
    return TableBlock(
        "Accounts at risk, the high band first, then by what there is to lose",
        Table(
            "at-risk-accounts",
            "Accounts at risk, the high band first, the highest expected loss first within each",
            columns,
            tuple(map(row, frame.head(LIST_ROWS).to_dicts())),
            notes=(f"At most {REASONS} reasons; the file has all, and they add up to the score",),
            empty=NOBODY,
            more=max(0, frame.height - LIST_ROWS),
            download=_download("at-risk-accounts", frame, marts, terms),
        ),
        f"{terms.unit}; customers lead to Stripe's dashboard",
        SHORT["at_risk_accounts"],
        "at_risk_accounts",
        _list_words(frame, marts, terms),
    )


def _list_words(frame: pl.DataFrame, marts: Marts, terms: Terms) -> str:
    """The first of the list, and why."""
    if frame.is_empty():
        return ""
    first = frame.sort("expected_loss_reporting", "customer_id", descending=[True, False]).row(0, named=True)
    name = customer_names(marts).get(first["customer_id"], first["customer_id"])
    why = first["reasons"][0].split(maxsplit=1)[-1]
    loss = terms.words(first["expected_loss_reporting"])
    return f"Most is at stake with {name}, an expected loss of {loss}: {why}."


def _leaving(marts: Marts, terms: Terms) -> TableBlock:
    frame = _ordered(_announced(marts))
    called = _called(marts)
    columns = (
        Column("Customer"),
        Column("MRR", unit=terms.unit),
        Column("What is known"),
        Column("Asked on"),
        Column("Ends on"),
        Column("Suggested"),
    )

    def row(one: dict[str, Any]) -> Row:
        return Row(
            (
                called(one),
                terms.money(one["mrr_at_risk_reporting"]),
                sentence_case("; ".join(one["reasons"])),
                terms.day(one["flagged_at"]),
                terms.day(one["expires_at"]),
                action(one["recommended_action"]),
            )
        )

    return TableBlock(
        "Accounts that are leaving, most MRR first",
        Table(
            "leaving-accounts",
            "Accounts that have announced their leaving, most MRR first",
            columns,
            tuple(map(row, frame.head(LIST_ROWS).to_dicts())),
            empty=NOBODY_LEAVES,
            more=max(0, frame.height - LIST_ROWS),
            download=_download("leaving-accounts", frame, marts, terms),
        ),
        f"{terms.unit} of MRR",
        SHORT["leaving_accounts"],
        "leaving_accounts",
    )


def action(code: str) -> str:
    """What is recommended, in words."""
    return ACTIONS.get(code, sentence_case(code))


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    is_high = pl.col("risk_band") == "high"
    return frame.sort(is_high, "expected_loss_reporting", "customer_id", descending=[True, True, False])


def _chance(share: float) -> Rate:
    return Rate(Decimal(str(share)), 1)


def _reasons(reasons: Sequence[str]) -> str:
    """The reasons that add most."""
    return "; ".join([one for one in reasons[:-1] if one.startswith("+")][:REASONS])


def _called(marts: Marts) -> "Any":
    """A customer's name, leading to where Stripe shows it."""
    names = customer_names(marts)
    live = dict(marts.table("publication").select("account_id", "livemode").iter_rows())

    def cell(one: dict[str, Any]) -> Cell:
        address = dashboard(one["account_id"], live.get(one["account_id"]))
        return Link(names.get(one["customer_id"], one["customer_id"]), f"{address}customers/{one['customer_id']}")

    return cell


def _download(name: str, frame: pl.DataFrame, marts: Marts, terms: Terms) -> Download:
    names = customer_names(marts)
    header = (
        "customer_id",
        "customer",
        "flag_id",
        "score_kind",
        "risk_score",
        "risk_band",
        "probability_30d",
        "probability_90d",
        "mrr",
        "currency",
        "mrr_at_risk",
        "expected_loss",
        "reporting_currency",
        "reasons",
        "recommended_action",
        "subscription_id",
        "invoice_id",
        "next_invoice_at",
        "flagged_at",
        "expires_at",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            row["customer_id"],
            names.get(row["customer_id"]),
            row["flag_id"],
            row["score_kind"],
            str(row["risk_score"]),
            row["risk_band"],
            _chance(row["probability_30d"]),
            _chance(row["probability_90d"]),
            terms.money(row["mrr"], row["currency"]),
            row["currency"].upper(),
            terms.money(row["mrr_at_risk_reporting"]),
            terms.money(row["expected_loss_reporting"]),
            terms.unit,
            "; ".join(row["reasons"]),
            row["recommended_action"],
            row["subscription_id"],
            row["invoice_id"],
            terms.moment(row["next_invoice_at"]),
            terms.moment(row["flagged_at"]),
            terms.moment(row["expires_at"]),
        )

    return Download(name, header, Rows(frame, cells))
