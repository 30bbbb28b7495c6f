"""Where each figure comes from: the rows behind every input, down to the ids that Stripe knows them by.

A source gives rows of one form: account_id, month, customer_id (null where no one's), the ids and facts of the row,
own_amount and own_currency where it was converted or is money, and `amount`, exact, in minor units of `currency` (or a
number, where `currency` is null). The amounts of a month add up to the input. Sources are the functions that the
metrics themselves are summed from, over the published tables: no figure is defined twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from models.cash import ledger
from models.churn import lost_customers
from models.disputes import RECEIVED, card_payments, on_cards
from models.failures import first_attempts
from models.metrics import TRAILING_MONTHS, volume
from models.movements import CUSTOMER, GRAIN, TYPES
from models.mrr import published
from models.periods import day_of, is_partial, month_end, month_of
from models.realised import owners
from models.recognition import BILLED, CAUGHT_UP, POSTING
from models.refunds import returned, succeeded_charges
from models.reporting import in_reporting
from models.retention import looked_back, retained_customers
from models.stock import standing
from models.terms import Terms

EXACT = pl.Decimal(38, 6)
MONEY, NUMBER = "minor_units", "count"
ITEM = (*CUSTOMER, "subscription_id", "subscription_item_id")
CORE = ("account_id", "month", "customer_id", "own_amount", "own_currency", "amount", "currency")
IDS = (
    "customer_id",
    "subscription_id",
    "subscription_item_id",
    "invoice_id",
    "posting_id",
    "charge_id",
    "refund_id",
    "dispute_id",
    "balance_transaction_id",
    "source_id",
)
"""Columns of ids, in the order they are shown."""

Frame = pl.LazyFrame
Make = Callable[..., Frame]


@dataclass(frozen=True)
class Source:
    """The rows of one input: `make(*frames of inputs, terms)`, the frames named as the recipes of `models.marts` do."""

    words: str
    """What one row is, in the plural."""
    unit: str
    make: Make
    inputs: tuple[str, ...]
    rated_on: str = ""
    """Column of the day at whose rate own_amount was converted; empty where nothing was, or in steps."""
    rates: str = "spine.rates"
    """The rates it was converted at."""


def _source(words: str, unit: str, make: Make, inputs: str, rated_on: str = "", rates: str = "spine.rates") -> Source:
    return Source(words, unit, make, tuple(inputs.split()), rated_on, rates)


def _mrr(words: str, make: Make, inputs: str) -> Source:
    return _source(words, MONEY, make, inputs, "rated_on", "spine.mrr_rates")


# MRR: changes of subscription items, and what items are worth


def moves(changes: Frame, movements: Frame, terms: Terms) -> Frame:
    """Item changes of the days on which their customer moved, with the movement's type and cause."""
    of = movements.select(*GRAIN, "movement_type", moved_as="cause", changed_on="moved_on")
    return changes.join(of, on=[*GRAIN, "changed_on"]).select(
        *ITEM,
        "price_id",
        "changed_on",
        "movement_type",
        "moved_as",
        "cause",
        "basis",
        month_of("changed_on").alias("month"),
        pl.coalesce("valued_on", "changed_on").alias("rated_on"),
        own_before=_decimal("before_micros"),
        own_after=_decimal("after_micros"),
        own_amount=_decimal("delta_micros"),
        own_currency="currency",
        amount=_decimal("delta_reporting_micros"),
        currency=pl.lit(terms.currency),
    )


def _moved(*kinds: str) -> Make:
    def rows(changes: Frame, movements: Frame, terms: Terms) -> Frame:
        return moves(changes, movements, terms).filter(pl.col("movement_type").is_in(kinds)).drop("moved_as")

    return rows


def _resumed(changes: Frame, movements: Frame, terms: Terms) -> Frame:
    is_resumed = (pl.col("movement_type") == "reactivation") & (pl.col("moved_as") == "resume")
    return moves(changes, movements, terms).filter(is_resumed).drop("moved_as")


def _netted(changes: Frame, movements: Frame, terms: Terms) -> Frame:
    """Reactivations that lower net churn: those that are no resumption, where the policy says so."""
    is_netted = (pl.col("movement_type") == "reactivation") & (pl.col("moved_as") != "resume")
    netted = is_netted & pl.lit(terms.policy.reactivation_in_net)
    return moves(changes, movements, terms).filter(netted).drop("moved_as")


def worth(stock: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
    """What each item is worth at the end of each month, at that day's rate or that of the day it is valued on."""
    last_day = pl.min_horizontal(month_end("month"), pl.lit(terms.as_of_day))
    valued = stock.with_columns(rated_on=pl.coalesce("valued_on", last_day))
    return in_reporting(valued, mrr_rates, amount="micros", on="rated_on").select(
        *ITEM,
        "month",
        "rated_on",
        own_amount=_decimal("micros"),
        own_currency="currency",
        amount=_decimal("micros_reporting"),
        currency=pl.lit(terms.currency),
    )


def worth_before(stock: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
    """What each item was worth at the end of the month before."""
    return _nextmonth_of(worth(stock, mrr_rates, terms), terms)


def revalued(stock: Frame, changes: Frame, movements: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
    """What exchange rates alone did to each item: its worth at the end less that at the start and what it moved."""
    at_end, at_start = worth(stock, mrr_rates, terms), worth_before(stock, mrr_rates, terms)
    moved = moves(changes, movements, terms)
    by = [*ITEM, "month", "own_currency", "currency"]
    terms_of_it = {"worth_at_end": at_end, "worth_at_start": at_start, "moved": moved}
    parts = [frame.group_by(by).agg(pl.col("amount").sum().alias(name)) for name, frame in terms_of_it.items()]
    return (
        pl.concat(parts, how="diagonal")
        .group_by(by)
        .agg(pl.col(terms_of_it).sum())
        .with_columns(amount=pl.col("worth_at_end") - pl.col("worth_at_start") - pl.col("moved"))
        .filter(pl.col("amount") != 0)
        .with_columns(own_amount=pl.lit(None, EXACT))
    )


def _paused(churned_customers: Frame, terms: Terms) -> Frame:
    return churned_customers.filter(pl.col("kind") == "paused").select(
        *CUSTOMER,
        "subscription_id",
        "churned_on",
        "returned_on",
        month_of("churned_on").alias("month"),
        own_amount=pl.col("mrr_lost").cast(EXACT),
        own_currency="currency",
        amount=pl.col("mrr_lost_reporting").cast(EXACT),
        currency=pl.lit(terms.currency),
    )


def _looked_back(months: int, *, is_base: bool) -> Make:
    def rows(stock: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
        valued = looked_back(stock, mrr_rates, terms, months)
        members = retained_customers(valued).select(*CUSTOMER, "month")
        return (
            valued.filter(pl.col("is_base") if is_base else ~pl.col("is_base"))
            .join(members, on=[*CUSTOMER, "month"], how="semi")
            .select(
                *ITEM,
                "month",
                rated_on="valued_on",
                own_amount=_decimal("micros"),
                own_currency="currency",
                amount=_decimal("micros_reporting"),
                currency=pl.lit(terms.currency),
            )
        )

    return rows


def _kept(months: int) -> Make:
    def rows(stock: Frame, mrr_rates: Frame, terms: Terms) -> Frame:
        return retained_customers(looked_back(stock, mrr_rates, terms, months)).select(
            *CUSTOMER,
            "month",
            worth_then=_decimal("base_micros"),
            worth_now=_decimal("end_micros"),
            own_amount=_decimal("kept_micros"),
            own_currency=pl.lit(terms.currency),
            amount=_decimal("kept_micros"),
            currency=pl.lit(terms.currency),
        )

    return rows


# Customers: comings and goings


def there(customer_changes: Frame, terms: Terms) -> Frame:
    """Who is a customer at the end of each month, and since when."""
    so_far = customer_changes.with_columns(
        here=pl.col("customers_delta").cum_sum().over(CUSTOMER, order_by="moved_on"),
    )
    last = [pl.col(name).sort_by("moved_on").last() for name in ("here", "moved_on")]
    standing_now = standing(so_far, CUSTOMER, "moved_on", last, "here", terms)
    return _counted(standing_now.rename({"moved_on": "since"}).drop("here"))


def there_before(customer_changes: Frame, terms: Terms) -> Frame:
    """Who was one at the end of the month before."""
    return _nextmonth_of(there(customer_changes, terms), terms)


def _came(kind: str) -> Make:
    def rows(customer_changes: Frame, terms: Terms) -> Frame:
        named = customer_changes.filter(pl.col("movement_type") == kind)
        return _counted(named.select(*CUSTOMER, "moved_on", "movement_type", month_of("moved_on").alias("month")))

    return rows


def lost(churned_customers: Frame, movements: Frame, terms: Terms) -> Frame:
    """Customers of the start of a month that left in it, and with which subscription."""
    left = pl.col("left") & (pl.col("kind") != "paused")
    last = pl.col("subscription_id", "churned_on", "kind").sort_by("churned_at", "currency").last()
    how = churned_customers.filter(left).group_by(*CUSTOMER, month_of("churned_on").alias("month")).agg(last)
    return _counted(lost_customers(churned_customers, movements).join(how, on=[*CUSTOMER, "month"], how="left"))


def _trailing_lost(churned_customers: Frame, movements: Frame, terms: Terms) -> Frame:
    return _trailing(lost(churned_customers, movements, terms).with_columns(of_month="month"), terms)


def _trailing_base(customer_changes: Frame, terms: Terms) -> Frame:
    return _trailing(there_before(customer_changes, terms).with_columns(of_month="month"), terms)


def _trailing(rows: Frame, terms: Terms) -> Frame:
    """The rows once for each month in whose last full months they are."""
    until = pl.col("of_month").dt.offset_by(f"{TRAILING_MONTHS}mo")
    seen_in = rows.with_columns(month=pl.date_ranges("of_month", until, "1mo")).explode("month")
    partial = is_partial("month", terms)
    is_within = pl.when(partial).then(pl.col("of_month") < pl.col("month")).otherwise(pl.col("month") < until)
    return seen_in.filter(is_within, pl.col("month") <= terms.as_of_day)


def _trials(*outcomes: str) -> Make:
    def rows(trials: Frame, terms: Terms) -> Frame:
        begun = trials.filter(pl.col("outcome").is_in(outcomes)) if outcomes else trials
        return _counted(
            begun.select(
                *CUSTOMER,
                "subscription_id",
                "ending",
                month_of(day_of("started_at", terms)).alias("month"),
                started_on=day_of("started_at", terms),
                converted_on=day_of("converted_at", terms),
            )
        )

    return rows


# Payments: charges, refunds, disputes, failures


def _charged(charges: Frame, rates: Frame, terms: Terms) -> Frame:
    return _charges(succeeded_charges(charges, rates, terms), terms)


def _refunded(basis: str) -> Make:
    def rows(refunds: Frame, terms: Terms) -> Frame:
        return (
            returned(refunds, terms)
            .drop_nulls(basis)
            .select(
                *CUSTOMER,
                "refund_id",
                "charge_id",
                "refunded_on",
                "status",
                "reason",
                pl.col(basis).alias("month"),
                own_amount=pl.col("amount").cast(EXACT),
                own_currency="currency",
                amount=pl.col("amount_reporting").cast(EXACT),
                currency=pl.lit(terms.currency),
            )
        )

    return rows


def _refunded_charges(refunds: Frame, terms: Terms) -> Frame:
    """Each charge of a month that was refunded, once."""
    one = pl.col("customer_id", "charge_id", "refund_id").sort_by("refunded_on", "refund_id").first()
    by = ["account_id", "month", "currency", "refunded"]
    back = returned(refunds, terms).drop_nulls("charge_month").rename({"charge_month": "month"})
    return _counted(back.group_by(by).agg(one).drop("refunded", "currency"))


def _card_payments(charges: Frame, rates: Frame, terms: Terms) -> Frame:
    payments = card_payments(charges, rates, terms)
    return _counted(payments.select(*CUSTOMER, "month", "charged_on", "network", charge_id="id"))


def _disputed(disputes: Frame, terms: Terms) -> Frame:
    received = on_cards(disputes).filter(pl.col("outcome").is_in(RECEIVED))
    facts = ("dispute_id", "charge_id", "disputed_on", "network", "reason", "outcome")
    return _counted(received.select(*CUSTOMER, *facts, month=month_of("disputed_on")))


def _failed(*outcomes: str, counted: bool = False) -> Make:
    def rows(payment_failures: Frame, terms: Terms) -> Frame:
        chosen = payment_failures.filter(pl.col("outcome").is_in(outcomes)) if outcomes else payment_failures
        facts = chosen.select(
            *CUSTOMER,
            "subscription_id",
            "invoice_id",
            "failed_on",
            "decline_code",
            "outcome",
            month=month_of("failed_on"),
            own_amount=pl.col("amount_due").cast(EXACT),
            own_currency="currency",
            amount=pl.col("amount_due_reporting").cast(EXACT),
            currency=pl.lit(terms.currency),
        )
        return _counted(facts) if counted else facts

    return rows


def _attempted(*, failed: bool) -> Make:
    def rows(invoices: Frame, attempts: Frame, subscriptions: Frame, rates: Frame, terms: Terms) -> Frame:
        first = first_attempts(invoices, attempts, subscriptions, rates, terms)
        return (first.filter("failed") if failed else first).select(
            *CUSTOMER,
            "subscription_id",
            "invoice_id",
            "charge_id",
            "attempted_on",
            "failed",
            month=month_of("attempted_on"),
            own_amount=pl.col("amount_due").cast(EXACT),
            own_currency="currency",
            amount=pl.col("amount_due_reporting").cast(EXACT),
            currency=pl.lit(terms.currency),
        )

    return rows


# Cash: balance transactions


def _volume(column: str) -> Make:
    def rows(
        balance_transactions: Frame, charges: Frame, refunds: Frame, disputes: Frame, rates: Frame, terms: Terms
    ) -> Frame:
        valued = volume(balance_transactions, rates, terms).filter(pl.col(column) != 0)
        own_fees = pl.col("fee") - pl.when(pl.col("column") == "fees").then(pl.col("amount")).otherwise(0)
        own_gross = pl.when(pl.col("column") == "fees").then(0).otherwise(pl.col("amount"))
        own = {"gross_volume": own_gross, "fees": own_fees, "net_volume": own_gross - own_fees}
        return _transactions(valued, balance_transactions, charges, refunds, disputes).select(
            *CUSTOMER,
            "balance_transaction_id",
            "source_id",
            "month",
            "date",
            "reporting_category",
            own_amount=own[column].cast(EXACT),
            own_currency="currency",
            amount=pl.col(column).cast(EXACT),
            currency=pl.lit(terms.currency),
        )

    return rows


def _cash(*columns: str, less_fee: bool = False) -> Make:
    """Balance transactions in columns of `cash_by_day`, in their settlement currency; each row's fee is a fee."""

    def rows(balance_transactions: Frame, charges: Frame, refunds: Frame, disputes: Frame, terms: Terms) -> Frame:
        gross = pl.when(pl.col("column").is_in(columns)).then(pl.col("amount")).otherwise(0)
        amount = gross - pl.col("fee") if less_fee else gross
        moved = ledger(balance_transactions, terms).with_columns(counted=amount).filter(pl.col("counted") != 0)
        return _transactions(moved, balance_transactions, charges, refunds, disputes).select(
            *CUSTOMER,
            "balance_transaction_id",
            "source_id",
            "month",
            "date",
            "reporting_category",
            own_amount=pl.col("counted").cast(EXACT),
            own_currency="currency",
            amount=pl.col("counted").cast(EXACT),
            currency="currency",
        )

    return rows


def _transactions(moved: Frame, balance_transactions: Frame, charges: Frame, refunds: Frame, disputes: Frame) -> Frame:
    """Rows of `cash.ledger` with what each came of and whose that is."""
    came_of = balance_transactions.select("account_id", "id", "source_id", "reporting_category")
    return (
        moved.join(came_of, on=["account_id", "id"], how="left")
        .join(owners(charges, refunds, disputes), on=["account_id", "source_id"], how="left")
        .with_columns(month=month_of("date"))
        .rename({"id": "balance_transaction_id"})
    )


# Recognition: invoice lines and what takes them back


def _billed(*columns: str) -> Make:
    def rows(shares: Frame, invoices: Frame, invoice_items: Frame, terms: Terms) -> Frame:
        whole = shares.unique(POSTING).drop_nulls("billed_at").with_columns(month=month_of(day_of("billed_at", terms)))
        return _postings(whole, _payers(invoices, invoice_items), pl.col("amount")).filter(
            _column_of("kind", BILLED, "credited").is_in(columns)
        )

    return rows


def _caught_up(*columns: str) -> Make:
    def rows(shares: Frame, invoices: Frame, invoice_items: Frame, terms: Terms) -> Frame:
        into = _column_of("kind", CAUGHT_UP, "contra_revenue").is_in(columns)
        caught_up = pl.when(into).then(pl.col("caught_up")).otherwise(0)
        amount = caught_up + pl.col("earned") if "earned" in columns else caught_up
        passed = shares.filter(pl.col("month") <= terms.as_of_day)
        return _postings(passed, _payers(invoices, invoice_items), amount).filter(pl.col("amount") != 0)

    return rows


def deferred(shares: Frame, invoices: Frame, invoice_items: Frame, terms: Terms) -> Frame:
    """What was billed of each posting and is not earned at the end of each month; negative where it is the reverse."""
    about = [*POSTING, "invoice_id", "kind", "currency"]
    whole = shares.unique(POSTING).drop_nulls("billed_at")
    billed = whole.select(*about, day=month_of(day_of("billed_at", terms)), moved="amount")
    passed = shares.filter(pl.col("month") <= terms.as_of_day)
    earned = passed.select(*about, day="month", moved=-(pl.col("caught_up") + pl.col("earned")))
    by_month = pl.concat([billed, earned]).group_by(*about, "day").agg(pl.col("moved").sum())
    left = by_month.with_columns(left=pl.col("moved").cum_sum().over(about, order_by="day"))
    still = standing(left, about, "day", [pl.col("left").sort_by("day").last()], "left", terms)
    return _postings(still, _payers(invoices, invoice_items), pl.col("left"))


def deferred_before(shares: Frame, invoices: Frame, invoice_items: Frame, terms: Terms) -> Frame:
    """The same at the end of the month before."""
    return _nextmonth_of(deferred(shares, invoices, invoice_items, terms), terms)


def _payers(invoices: Frame, invoice_items: Frame) -> Frame:
    """Whose each invoice is, and each proration that waits for its invoice: account_id, about, payer."""
    return pl.concat(
        [table.select("account_id", about="id", payer="customer_id") for table in (invoices, invoice_items)]
    )


def _postings(postings: Frame, payers: Frame, amount: pl.Expr) -> Frame:
    about = pl.coalesce("invoice_id", "posting_id").alias("about")
    return (
        postings.with_columns(about)
        .join(payers, on=["account_id", "about"], how="left")
        .select(
            "account_id",
            "invoice_id",
            "posting_id",
            "kind",
            "month",
            customer_id="payer",
            own_amount=amount.cast(EXACT),
            own_currency="currency",
            amount=amount.cast(EXACT),
            currency="currency",
        )
    )


def _column_of(kind: str, columns: Mapping[str, str], otherwise: str) -> pl.Expr:
    return pl.col(kind).replace_strict(columns, default=otherwise, return_dtype=pl.String)


# The forms that rows take


def _charges(charges: Frame, terms: Terms) -> Frame:
    return charges.select(
        *CUSTOMER,
        "month",
        "charged_on",
        charge_id="id",
        own_amount=pl.col("amount_captured").cast(EXACT),
        own_currency="currency",
        amount=pl.col("amount_reporting").cast(EXACT),
        currency=pl.lit(terms.currency),
    )


def _counted(rows: Frame) -> Frame:
    """The rows as ones to be counted."""
    nothing = pl.lit(None, pl.String)
    return rows.with_columns(
        own_amount=pl.lit(None, EXACT), own_currency=nothing, amount=pl.lit(1).cast(EXACT), currency=nothing
    )


def _nextmonth_of(rows: Frame, terms: Terms) -> Frame:
    """The rows as what the month after theirs began with."""
    return rows.with_columns(pl.col("month").dt.offset_by("1mo")).filter(pl.col("month") <= terms.as_of_day)


def _decimal(micros: str) -> pl.Expr:
    return published(pl.col(micros)).cast(EXACT)


_MOVES = "spine.changes spine.movements"
_STOCK = "steps.stock spine.mrr_rates"
_CASH = "staging.balance_transactions staging.charges staging.refunds staging.disputes"
_LOST = "marts.churned_customers spine.movements"
_ATTEMPTS = "staging.invoices steps.attempts staging.subscriptions spine.rates"
_SHARES = "steps.shares staging.invoices staging.invoice_items"

_ITEMS = "subscription items with worth"
_CHANGES = "changes of subscription items"

SOURCES: Mapping[str, Source] = {
    "opening_mrr": _mrr("subscription items with worth at the start", worth_before, _STOCK),
    "closing_mrr": _mrr("subscription items with worth at the end", worth, _STOCK),
    **{f"{kind}_mrr": _mrr(_CHANGES, _moved(kind), _MOVES) for kind in TYPES},
    "fx_mrr": _source(
        "subscription items revalued", MONEY, revalued, "steps.stock spine.changes spine.movements spine.mrr_rates"
    ),
    "paused_mrr": _source("customers who paused", MONEY, _paused, "marts.churned_customers"),
    "resumed_mrr": _mrr(_CHANGES, _resumed, _MOVES),
    "netted_reactivation_mrr": _mrr(_CHANGES, _netted, _MOVES),
    "base_mrr_12": _mrr(f"{_ITEMS} 12 months ago", _looked_back(12, is_base=True), _STOCK),
    "end_mrr_12": _mrr(f"{_ITEMS} now, of those customers", _looked_back(12, is_base=False), _STOCK),
    "kept_mrr_12": _source("customers of 12 months ago", MONEY, _kept(12), _STOCK),
    "base_mrr_1": _mrr(f"{_ITEMS} a month ago", _looked_back(1, is_base=True), _STOCK),
    "end_mrr_1": _mrr(f"{_ITEMS} now, of those customers", _looked_back(1, is_base=False), _STOCK),
    "kept_mrr_1": _source("customers of a month ago", MONEY, _kept(1), _STOCK),
    "opening_customers": _source("customers at the start", NUMBER, there_before, "marts.customer_changes"),
    "closing_customers": _source("customers at the end", NUMBER, there, "marts.customer_changes"),
    "new_customers": _source("customers who came", NUMBER, _came("new"), "marts.customer_changes"),
    "churned_customers": _source("customers who left", NUMBER, _came("churn"), "marts.customer_changes"),
    "reactivated_customers": _source(
        "customers who came back", NUMBER, _came("reactivation"), "marts.customer_changes"
    ),
    "lost_customers": _source("customers of the start who left, pauses apart", NUMBER, lost, _LOST),
    "trailing_lost_customers": _source("customers lost in the last six full months", NUMBER, _trailing_lost, _LOST),
    "trailing_base_customers": _source(
        "customers at the start of each of these months", NUMBER, _trailing_base, "marts.customer_changes"
    ),
    "trials_started": _source("trials begun", NUMBER, _trials(), "marts.trials"),
    "trials_converted": _source("trials begun that were paid for", NUMBER, _trials("converted"), "marts.trials"),
    "charge_amount_reporting": _source("charges", MONEY, _charged, "staging.charges spine.rates", "charged_on"),
    "refund_charges": _source(
        "charges",
        NUMBER,
        lambda charges, rates, terms: _counted(_charged(charges, rates, terms)),
        "staging.charges spine.rates",
    ),
    "refund_amount_reporting": _source(
        "refunds of the month's charges", MONEY, _refunded("charge_month"), "marts.refunds", "refunded_on"
    ),
    "refunds": _source("charges refunded", NUMBER, _refunded_charges, "marts.refunds"),
    "refunded_amount": _source("refunds made", MONEY, _refunded("refund_month"), "marts.refunds", "refunded_on"),
    "disputes": _source("disputes received", NUMBER, _disputed, "marts.disputes"),
    "card_charges": _source("card payments", NUMBER, _card_payments, "staging.charges spine.rates"),
    "attempted_amount_reporting": _source(
        "invoices attempted", MONEY, _attempted(failed=False), _ATTEMPTS, "attempted_on"
    ),
    "first_failed_amount_reporting": _source(
        "invoices whose first attempt failed", MONEY, _attempted(failed=True), _ATTEMPTS, "attempted_on"
    ),
    "failed_amount_reporting": _source("invoices that failed", MONEY, _failed(), "marts.payment_failures", "failed_on"),
    "recovered_amount_reporting": _source(
        "invoices that failed and were paid since", MONEY, _failed("recovered"), "marts.payment_failures", "failed_on"
    ),
    "failed_invoices": _source("invoices that failed", NUMBER, _failed(counted=True), "marts.payment_failures"),
    "recovered_invoices": _source(
        "invoices that failed and were paid since", NUMBER, _failed("recovered", counted=True), "marts.payment_failures"
    ),
    "gross_volume": _source("balance transactions", MONEY, _volume("gross_volume"), f"{_CASH} spine.rates", "date"),
    "net_volume": _source("balance transactions", MONEY, _volume("net_volume"), f"{_CASH} spine.rates", "date"),
    "fees": _source("balance transactions", MONEY, _volume("fees"), f"{_CASH} spine.rates", "date"),
    "cash_charges": _source("balance transactions", MONEY, _cash("charges"), _CASH),
    "cash_refunds": _source("balance transactions", MONEY, _cash("refunds"), _CASH),
    "cash_disputes": _source("balance transactions", MONEY, _cash("disputes"), _CASH),
    "cash_fees": _source("balance transactions", MONEY, _cash("fees", less_fee=True), _CASH),
    "cash_adjustments": _source("balance transactions", MONEY, _cash("adjustments"), _CASH),
    "cash_payouts": _source("balance transactions", MONEY, _cash("payouts"), _CASH),
    "invoiced": _source("invoice lines", MONEY, _billed("invoiced"), _SHARES),
    "credited": _source("parts of lines taken back", MONEY, _billed("credited"), _SHARES),
    "written_off": _source("parts of lines given up", MONEY, _billed("written_off"), _SHARES),
    "earned": _source("invoice lines and what took them back", MONEY, _caught_up("earned"), _SHARES),
    "contra_revenue": _source("parts of lines taken back", MONEY, _caught_up("contra_revenue"), _SHARES),
    "bad_debt": _source("parts of lines given up", MONEY, _caught_up("bad_debt"), _SHARES),
    "deferred_opening": _source("invoice lines not earned at the start", MONEY, deferred_before, _SHARES),
    "deferred_closing": _source("invoice lines not earned at the end", MONEY, deferred, _SHARES),
}
"""Every input of a figure and the rows behind it. A figure whose inputs are not all here fails a test."""
