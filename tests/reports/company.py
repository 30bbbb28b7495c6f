"""A small company's published tables, made up from its customers' stories so that every table agrees with the others.

Deterministic: the same arguments give the same tables. The stories are movements; months, customers, churns, cohorts
and metrics are summed from them here in plain Python, independently of `models/`.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from models.policy import GROUPS, PRESETS
from reports.marts import CONTRACTS, Marts, Publication, publication_of
from tests.reports import forecasts, lifetimes

ACCOUNT = "acct_1Example"
AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)
TODAY = date(2026, 11, 15)
PRICES = {"usd": (2900, 9900, 24900, 79900), "eur": (2700, 8900, 22900), "jpy": (4400, 15000)}
NAMES = (
    "Acme",
    "Borealis",
    "Cobalt",
    "Delphi",
    "Evergreen",
    "Fjord",
    "Granite",
    "Harbor",
    "Iris",
    "Juniper",
    "Kestrel",
)
KINDS = (
    ("voluntary", "cancellation_requested", "too_expensive"),
    ("voluntary", "cancellation_requested", "switched_service"),
    ("voluntary", "cancellation_requested", None),
    ("voluntary_in_dunning", "cancellation_requested", "unused"),
    ("involuntary_payment", "payment_failed", None),
    ("involuntary_dispute", "payment_disputed", None),
    ("paused", None, None),
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Move:
    """One movement of one customer."""

    customer: str
    on: date
    kind: str
    cause: str
    currency: str
    before: int
    after: int

    @property
    def delta(self) -> int:
        """What it changed."""
        return self.after - self.before


def rate(currency: str, day: date) -> Decimal:
    """Reporting minor units for one minor unit of the currency on a day: a slow walk, none for dollars."""
    if currency == "usd":
        return Decimal(1)
    drift = Decimal((day.year * 12 + day.month) % 7 - 3) / 200
    return {"eur": Decimal("1.10"), "jpy": Decimal("0.68")}[currency] * (1 + drift)


def company(customers: int = 60, months: int = 26, seed: int = 3) -> Marts:
    """The published tables of a company with so many customers over so many months; none of either is allowed."""
    stories = _stories(customers, months, seed)
    moves = [move for story in stories for move in story]
    tables = {
        "mrr_movements": [_movement(move) for move in moves],
        "mrr_by_month": _by_month(moves),
        "mrr_by_month_reporting": _by_month_reporting(moves),
        "customers": [_customer(index, story) for index, story in enumerate(stories)],
        "churned_customers": _churned(moves, seed),
        "data_checks": _checks(),
        "pipeline_runs": [_run()],
    }
    tables["mrr_by_policy"] = _by_policy(tables["mrr_by_month_reporting"])
    tables["churn_reasons_by_month"] = _reasons(tables["churned_customers"])
    tables["cohort_retention"] = _cohorts(stories)
    tables |= _payments(moves, seed)
    tables["metrics_by_month"] = _metrics(tables, moves)
    cohorts = [
        (row["cohort_month"], row["cohort_customers"]) for row in tables["cohort_retention"] if not row["months_since"]
    ]
    tables |= lifetimes.tables([_first_life(story) for story in stories], cohorts, TODAY)
    tables |= forecasts.tables(tables["mrr_by_month_reporting"])
    return marts(tables)


def marts(tables: dict[str, list[Row]], **publication: Any) -> Marts:
    """Tables of hand-made rows; columns left out are null, and tables left out are empty."""
    rows = tables | {"publication": [PUBLICATION | publication]}
    frames = {name: _frame(table, rows.get(name, [])) for name, table in CONTRACTS.items()}
    return Marts(frames, publication_of(frames))


PUBLICATION: Row = {
    "published_at": datetime(2026, 11, 15, 12, 4, tzinfo=UTC),
    "as_of": AS_OF,
    "currency": "usd",
    "timezone": "America/New_York",
    "policy": "default",
    "checks_failed": 0,
    "policy_hash": "9f2c41d07ab3",
    "banner": None,
    "read_at": datetime(2026, 11, 15, 12, tzinfo=UTC),
}


def published(tables: Marts, file: Path) -> Path:
    """The tables as a published database."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create schema marts")
        for name, frame in tables.tables.items():
            connection.register("incoming", frame)
            connection.execute(f'create table marts."{name}" as select * from incoming')
            connection.unregister("incoming")
    return file


def publication(**changes: Any) -> Publication:
    """A publication by itself."""
    return publication_of({"publication": pl.DataFrame([PUBLICATION | changes])})


def _frame(table: Any, rows: list[Row]) -> pl.DataFrame:
    schema = {name: column.dtype for name, column in table.columns().items()}
    filled = [{name: row.get(name, ACCOUNT if name == "account_id" else None) for name in schema} for row in rows]
    return pl.DataFrame(filled, schema=schema, strict=False)


def _stories(customers: int, months: int, seed: int) -> list[list[Move]]:
    chance = random.Random(seed)
    first = date(2026, 11, 1)
    stories: list[list[Move]] = []
    for index in range(customers):
        customer = f"cus_{index:04d}"
        currency = chance.choice(["usd", "usd", "usd", "eur", "jpy"])
        start = _months_before(first, int(months * chance.random() ** 1.3)) + timedelta(days=chance.randrange(14))
        stories.append(_story(customer, currency, start, chance))
    return stories


def _story(customer: str, currency: str, start: date, chance: random.Random) -> list[Move]:
    worth = chance.choice(PRICES[currency])
    moves = [Move(customer, start, "new", "start", currency, 0, worth)]
    day = start + timedelta(days=chance.randrange(20, 120))
    while day <= TODAY:
        what = chance.random()
        if worth == 0:
            worth = chance.choice(PRICES[currency])
            moves.append(Move(customer, day, "reactivation", "start", currency, 0, worth))
        elif what < 0.22:
            moves.append(Move(customer, day, "churn", chance.choice(KINDS)[0], currency, worth, 0))
            worth = 0
            day += timedelta(days=chance.randrange(60, 700))
            continue
        elif what < 0.42:
            moves.append(Move(customer, day, "contraction", "quantity", currency, worth, worth - worth // 4))
            worth -= worth // 4
        else:
            moves.append(Move(customer, day, "expansion", "plan", currency, worth, worth + worth // 3))
            worth += worth // 3
        day += timedelta(days=chance.randrange(40, 160))
    return moves


def _first_life(story: list[Move]) -> lifetimes.Life:
    """From the first paid day to the first churn that was no pause, or to today."""
    end = next((move for move in story if move.kind == "churn" and move.cause != "paused"), None)
    last = story[-1]
    worth = int(_reported(last.after, last.currency, TODAY))
    return last.customer, last.currency, story[0].on, end.on if end else TODAY, end.cause if end else None, worth


def _movement(move: Move) -> Row:
    return {
        "customer_id": move.customer,
        "moved_on": move.on,
        "movement_type": move.kind,
        "cause": move.cause,
        "currency": move.currency,
        "mrr_before": Decimal(move.before),
        "mrr_after": Decimal(move.after),
        "mrr_delta": Decimal(move.delta),
        "mrr_delta_reporting": _reported(move.delta, move.currency, move.on),
    }


def _reported(minor: int, currency: str, day: date) -> Decimal:
    return (minor * rate(currency, day)).quantize(Decimal("0.000001"))


def _months(moves: Iterable[Move]) -> list[date]:
    starts = [move.on.replace(day=1) for move in moves]
    found = []
    month = min(starts, default=date(2026, 12, 1))
    while month <= TODAY:
        found.append(month)
        month = _months_before(month, -1)
    return found


def _months_before(first: date, months: int) -> date:
    index = first.year * 12 + first.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def _month_end(month: date) -> date:
    return min(_months_before(month, -1) - timedelta(days=1), TODAY)


def _paying(moves: list[Move], day: date) -> dict[str, Move]:
    last = {move.customer: move for move in sorted(moves, key=lambda move: move.on) if move.on <= day}
    return {customer: move for customer, move in last.items() if move.after}


def _counts(moves: list[Move], month: date) -> Row:
    def moved(kind: str) -> int:
        return sum(move.kind == kind for move in moves if move.on.replace(day=1) == month)

    return {
        "new_customers": moved("new"),
        "churned_customers": moved("churn"),
        "reactivated_customers": moved("reactivation"),
        "closing_customers": len(_paying(moves, _month_end(month))),
        "is_partial": month == TODAY.replace(day=1),
    }


def _by_month(moves: list[Move]) -> list[Row]:
    rows: list[Row] = []
    for currency in sorted({move.currency for move in moves}):
        own = [move for move in moves if move.currency == currency]
        opening = Decimal(0)
        for month in _months(own):
            row: Row = {"month": month, "currency": currency, "opening_mrr": opening} | _counts(own, month)
            for kind in ("new", "expansion", "contraction", "churn", "reactivation"):
                row[f"{kind}_mrr"] = Decimal(
                    sum(m.delta for m in own if m.kind == kind and m.on.replace(day=1) == month)
                )
                opening += row[f"{kind}_mrr"]
            rows.append(row | {"closing_mrr": opening})
    return rows


def _by_month_reporting(moves: list[Move]) -> list[Row]:
    rows: list[Row] = []
    opening = Decimal(0)
    for month in _months(moves):
        end = _month_end(month)
        row: Row = {"month": month, "currency": "usd", "opening_mrr": opening} | _counts(moves, month)
        for kind in ("new", "expansion", "contraction", "churn", "reactivation"):
            here = [move for move in moves if move.kind == kind and move.on.replace(day=1) == month]
            row[f"{kind}_mrr"] = sum((_reported(m.delta, m.currency, m.on) for m in here), Decimal(0))
        closing = sum((_reported(m.after, m.currency, end) for m in _paying(moves, end).values()), Decimal(0))
        moved = sum(
            (row[f"{kind}_mrr"] for kind in ("new", "expansion", "contraction", "churn", "reactivation")), Decimal(0)
        )
        rows.append(row | {"fx_mrr": closing - opening - moved, "closing_mrr": closing})
        opening = closing
    return rows


def _customer(index: int, story: list[Move]) -> Row:
    last = story[-1]
    return {
        "customer_id": last.customer,
        "name": f"{NAMES[index % len(NAMES)]} {index // len(NAMES) + 1}",
        "email": f"billing{index}@example.com",
        "country": "US",
        "currency": last.currency,
        "created_at": datetime(story[0].on.year, story[0].on.month, story[0].on.day, tzinfo=UTC),
        "first_paid_on": story[0].on,
        "mrr": Decimal(last.after),
        "mrr_reporting": _reported(last.after, last.currency, TODAY),
        "lifetime_revenue_reporting": 1000 * index,
        "subscriptions": int(last.after > 0),
        "status": "active" if last.after else "churned",
        "churned_on": None if last.after else last.on,
        "is_deleted": False,
    }


def _churned(moves: list[Move], seed: int) -> list[Row]:
    chance = random.Random(seed)
    starts = {move.customer: move.on for move in reversed(moves) if move.kind == "new"}
    rows = []
    for move in moves:
        if move.kind != "churn":
            continue
        reason, feedback = chance.choice([(r, f) for kind, r, f in KINDS if kind == move.cause])
        back = [m.on for m in moves if m.customer == move.customer and m.kind == "reactivation" and m.on > move.on]
        rows.append(
            {
                "customer_id": move.customer,
                "subscription_id": f"sub_{move.customer[4:]}",
                "churned_at": datetime(move.on.year, move.on.month, move.on.day, 15, tzinfo=UTC),
                "churned_on": move.on,
                "kind": move.cause,
                "reason": reason,
                "feedback": feedback,
                "comment": "=SUM(A1:A9)" if feedback == "too_expensive" else None,
                "mrr_lost": Decimal(-move.delta),
                "currency": move.currency,
                "mrr_lost_reporting": -_reported(move.delta, move.currency, move.on),
                "tenure_days": (move.on - starts[move.customer]).days,
                "returned_on": min(back, default=None),
            }
        )
    return rows


def _reasons(churned: list[Row]) -> list[Row]:
    rows: dict[tuple[Any, ...], Row] = {}
    for churn in churned:
        key = (
            churn["churned_on"].replace(day=1),
            churn["kind"],
            churn["reason"] or "not_given",
            churn["feedback"] or "not_given",
        )
        names = dict(zip(("month", "kind", "reason", "feedback"), key, strict=True))
        row = rows.setdefault(key, names | {"customers": 0, "mrr_lost_reporting": Decimal(0)})
        row["customers"] += 1
        row["mrr_lost_reporting"] += churn["mrr_lost_reporting"]
    return list(rows.values())


def _cohorts(stories: list[list[Move]]) -> list[Row]:
    rows: list[Row] = []
    months = [month for month in _months(m for story in stories for m in story) if month < TODAY.replace(day=1)]
    for cohort in months:
        members = [story for story in stories if story[0].on.replace(day=1) == cohort]
        if not members:
            continue
        first = sum((_reported(s[0].after, s[0].currency, s[0].on) for s in members), Decimal(0))
        for since, month in enumerate([m for m in months if m >= cohort]):
            end = _month_end(month)
            now = [[m for m in story if (since and m.on <= end) or m is story[0]][-1] for story in members]
            worth = sum(
                (_reported(m.after, m.currency, s[0].on) for m, s in zip(now, members, strict=True)), Decimal(0)
            )
            kept = sum(m.after > 0 for m in now)
            rows.append(
                {
                    "cohort_month": cohort,
                    "months_since": since,
                    "cohort_customers": len(members),
                    "customers": kept,
                    "customer_retention_rate": kept / len(members),
                    "cohort_mrr_reporting": first,
                    "mrr_reporting": worth,
                    "mrr_retention_rate": float(worth / first),
                }
            )
    return rows


def _payments(moves: list[Move], seed: int) -> dict[str, list[Row]]:
    chance = random.Random(seed + 1)
    tables: dict[str, list[Row]] = {name: [] for name in PAYMENT_TABLES}
    balance = 0
    for month in _months(moves):
        paying = _paying(moves, _month_end(month))
        gross = sum(int(_reported(move.after, move.currency, month)) for move in paying.values())
        refunded, disputed = gross // 60, 4900 if chance.random() < 0.3 else 0
        fees, count = gross * 29 // 1000, len(paying)
        net = gross - refunded - disputed - fees
        payout = -(net * 9 // 10)
        opening, balance = balance, balance + net + payout
        tables["cash_by_day"].append(
            {
                "date": month + timedelta(days=9),
                "currency": "usd",
                "charges": gross,
                "refunds": -refunded,
                "disputes": -disputed,
                "fees": -fees,
                "adjustments": 0,
                "net": net,
                "payouts": payout,
                "closing_balance": balance,
            }
        )
        tables["balance_reconciliation"].append(
            {
                "month": month,
                "currency": "usd",
                "opening_balance": opening,
                "activity": net,
                "payouts": payout,
                "closing_balance": balance,
                "difference": 0,
            }
        )
        for basis in ("charge_month", "refund_month"):
            tables["refund_rates_by_month"].append(
                {
                    "month": month,
                    "basis": basis,
                    "currency": "usd",
                    "charges": count,
                    "charge_amount": gross,
                    "refunds": count // 20,
                    "refund_amount": refunded,
                    "pending_amount": 0,
                    "charge_amount_reporting": gross,
                    "refund_amount_reporting": refunded,
                    "is_partial": month == TODAY.replace(day=1),
                    "refund_count_rate": (count // 20) / count if count else None,
                    "refund_volume_rate": refunded / gross if gross else None,
                }
            )
        for network, share in (("visa", 60), ("mastercard", 40)):
            disputes = int(network == "visa" and disputed > 0)
            charges = count * share // 100
            tables["dispute_rates_by_month"].append(
                {
                    "month": month,
                    "network": network,
                    "charges": charges,
                    "disputes": disputes,
                    "dispute_rate": disputes / charges if charges else None,
                    "won": 0,
                    "lost": disputes,
                    "win_rate": 0.0 if disputes else None,
                }
            )
        tables["recovery_by_month"].append(
            {
                "month": month,
                "failed_invoices": 3,
                "failed_amount_reporting": 30000,
                "recovered_invoices": 2,
                "recovered_amount_reporting": 21000,
                "recovery_rate": 0.7,
            }
        )
        for index, customer in enumerate(sorted(paying)[:2]):
            at = datetime(month.year, month.month, 11, 16, tzinfo=UTC)
            tables["refunds"].append(
                {
                    "refund_id": f"re_{month:%y%m}{index}",
                    "charge_id": f"ch_{month:%y%m}{index}",
                    "customer_id": customer,
                    "amount": refunded // 2,
                    "currency": "usd",
                    "amount_reporting": refunded // 2,
                    "status": "succeeded",
                    "reason": "requested_by_customer",
                    "created_at": at,
                    "charge_created_at": at - timedelta(days=4),
                    "days_to_refund": 4,
                }
            )
        if disputed and paying:
            tables["disputes"].append(
                {
                    "dispute_id": f"du_{month:%y%m}",
                    "charge_id": f"ch_{month:%y%m}",
                    "customer_id": min(paying),
                    "amount": disputed,
                    "currency": "usd",
                    "amount_reporting": disputed,
                    "network": "visa",
                    "reason": "fraudulent",
                    "status": "lost",
                    "outcome": "lost",
                    "created_at": datetime(month.year, month.month, 12, 9, tzinfo=UTC),
                    "evidence_due_at": datetime(month.year, month.month, 19, 9, tzinfo=UTC),
                }
            )
    return tables


PAYMENT_TABLES = (
    "cash_by_day",
    "balance_reconciliation",
    "refund_rates_by_month",
    "dispute_rates_by_month",
    "recovery_by_month",
    "refunds",
    "disputes",
)


def _metrics(tables: dict[str, list[Row]], moves: list[Move]) -> list[Row]:
    rows: list[Row] = []
    cash = {row["date"].replace(day=1): row for row in tables["cash_by_day"]}
    for month in tables["mrr_by_month_reporting"]:
        first, before = month["month"], _months_before(month["month"], 12) - timedelta(days=1)
        opening = len(_paying(moves, first - timedelta(days=1)))
        year_ago = _paying(moves, _month_end(_months_before(first, 12))) if before else {}
        now = _paying(moves, _month_end(first))
        base = sum(move.after for move in year_ago.values())
        end = sum(now[customer].after for customer in year_ago if customer in now)
        least = sum(min(now[c].after, year_ago[c].after) for c in year_ago if c in now)
        lost = -month["contraction_mrr"] - month["churn_mrr"]
        won = month["expansion_mrr"] + month["reactivation_mrr"]
        money = cash[first]
        for name, unit, numerator, denominator in (
            ("mrr", "minor_units", month["closing_mrr"], None),
            ("arr", "minor_units", 12 * month["closing_mrr"], None),
            ("net_new_mrr", "minor_units", month["new_mrr"] + won - lost, None),
            ("customers", "count", month["closing_customers"], None),
            ("arpa", "minor_units", month["closing_mrr"] / month["closing_customers"] if now else None, None),
            ("gross_mrr_churn_rate", "rate", lost, month["opening_mrr"]),
            ("net_mrr_churn_rate", "ratio", lost - won, month["opening_mrr"]),
            ("customer_churn_rate", "rate", min(month["churned_customers"], opening), opening),
            ("net_revenue_retention", "ratio", end, base),
            ("gross_revenue_retention", "rate", least, base),
            ("quick_ratio", "ratio", month["new_mrr"] + won, lost),
            ("refund_volume_rate", "rate", -money["refunds"], money["charges"]),
            ("dispute_rate", "rate", int(money["disputes"] < 0), month["closing_customers"]),
            ("payment_failure_rate", "rate", 30000, money["charges"]),
            ("recovery_rate", "rate", 21000, 30000),
            ("gross_volume", "minor_units", money["charges"], None),
            ("net_volume", "minor_units", money["net"], None),
            ("fees", "minor_units", -money["fees"], None),
        ):
            value = None
            if numerator is not None and denominator != 0:
                value = float(numerator) / float(denominator or 1)
            rows.append(
                {
                    "month": first,
                    "metric": name,
                    "value": value,
                    "unit": unit,
                    "numerator": None if numerator is None else Decimal(numerator).quantize(Decimal("0.000001")),
                    "denominator": None if denominator is None else Decimal(denominator),
                    "is_partial": month["is_partial"],
                }
            )
    return rows


SHARES: dict[str, dict[str, int]] = {
    "default": {},
    "stripe": {"cancel_timing": -7, "discounts": 12},
    "chartmogul": {"discounts": -3, "pauses": 9, "dunning": 4, "fx": -2},
    "baremetrics": {"discounts": -3, "dunning": 2},
    "profitwell": {"discounts": -3, "pauses": -5, "fx": -2},
    "maxio": {"cancel_timing": -7, "discounts": -3, "pauses": 9, "dunning": -6},
}
"""What the rules of each preset change, in thousandths of MRR."""


def _by_policy(months: list[Row]) -> list[Row]:
    rows = []
    for month in months:
        for policy, shares in SHARES.items():
            parts = {
                f"{group}_reporting": (month["closing_mrr"] * shares.get(group, 0) / 1000).quantize(Decimal("0.000001"))
                for group in GROUPS
            }
            difference = sum(parts.values(), Decimal(0))
            rows.append(
                {
                    "month": month["month"],
                    "policy": policy,
                    "policy_hash": PRESETS[policy].hash,
                    "closing_mrr_reporting": month["closing_mrr"] + difference,
                    "difference_reporting": difference,
                    "is_partial": month["is_partial"],
                    **parts,
                }
            )
    return rows


def _checks() -> list[Row]:
    names = (
        ("movements_sum_to_months", "mrr_by_month"),
        ("closing_is_next_opening", "mrr_by_day"),
        ("books_agree", "cash_by_day"),
    )
    return [
        {
            "check_name": name,
            "table_name": table,
            "passed": True,
            "failing_rows": 0,
            "severity": "blocking",
            "checked_at": AS_OF,
        }
        for name, table in names
    ]


def _run() -> Row:
    return {
        "run_id": "run_1",
        "command": "run",
        "started_at": AS_OF - timedelta(minutes=3),
        "ended_at": AS_OF,
        "status": "done",
        "objects_read": 4821,
        "requests_made": 61,
        "rows_written": 4821,
    }
