"""The invariants, as data: what must hold in the built tables and in what they were built from.

Each check names the rows that break it. A blocking one says that figures cannot be trusted, a warning that something
needs a look. Findings that staging, the spine and the sweep made on their way are told in the same form.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from models import line_parts
from models.contracts.marts import DataChecks
from models.lives import NEVER_STARTED
from models.movements import TYPES
from models.mrr import MOVED
from models.payouts import DIFFERS
from models.periods import is_partial, month_of
from models.plans import collected
from models.policy import GROUPS
from models.recovery import DIMENSIONS
from models.slices import TRANSFERS
from models.terms import Terms

BLOCKING, WARNING, NOTE = "blocking", "warning", "note"
"""How grave it is: figures cannot be trusted; something needs a look; unusual, and treated by a stated rule."""

FOUND_ON_THE_WAY = (
    ("exchange_rates_are_fresh", "exchange_rates", BLOCKING),
    ("prices_say_their_amount", "prices", BLOCKING),
    ("currency_is_known", "subscriptions", WARNING),
    ("mrr_has_an_exchange_rate", "mrr_by_month_reporting", BLOCKING),
    ("billed_periods_do_not_overlap", "invoice_lines", WARNING),
)
"""Checks that the spine makes as it builds, and the tables they are about."""

STILL_LIVE = timedelta(days=1)
"""How long after the as-of instant a subscription may have been read and still say how it was then."""

SOON = timedelta(days=1)
"""By when a subscription that began has its first invoice, and how long before it was made it may say it began."""

TOLD = 5
"""How many failing rows a detail names."""

RUNNING = ("active", "past_due", "trialing")

Frames = Mapping[str, pl.LazyFrame]
"""Frames by name: `marts.<table>`, `staging.<table>`, `spine.<frame>`."""

Failing = Callable[[Frames, Terms], pl.LazyFrame]
"""Gives account_id and `subject` of each row that breaks a rule."""


@dataclass(frozen=True)
class Check:
    """A rule of one table, and what to say of the rows that break it."""

    name: str
    table: str
    severity: str
    meaning: str
    failing: Failing
    is_of_values: bool = False
    """True where what it finds are values, such as currencies, that several customers may have."""


def data_checks(frames: Frames, findings: Iterable[pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    """`marts.data_checks`: a row for every check of every account, and one for every kind of finding.

    Args:
        frames: every frame that `CHECKS` names, by `marts.`, `staging.`, `spine.` and `steps.` names.
        findings: frames of contracts.spine.Findings.
        terms: the terms of the build.
    """
    return told(found(frames, OF_CUSTOMERS, terms), frames, findings, terms)


def with_steps(frames: Frames, terms: Terms) -> dict[str, pl.LazyFrame]:
    """The frames with the steps that checks read, made from staged ones."""
    steps = {
        "steps.held_balance": held_balance(frames["staging.balances"], frames["staging.balance_transactions"], terms),
        "steps.read_at": read_at(frames["staging.subscription_versions"], terms),
    }
    return dict(frames) | steps


def found(frames: Frames, looked_at: Iterable["Check"], terms: Terms) -> pl.LazyFrame:
    """What checks find: account_id, check_name, table_name, failing_rows, subjects (in order); a row for every check of
    every account that the frames tell of."""
    accounts = _accounts(frames)
    return pl.concat([_row(check, frames, accounts, terms) for check in looked_at]).pipe(collected).lazy()


def told(of_customers: pl.LazyFrame, frames: Frames, findings: Iterable[pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    """`data_checks` from what the checks `OF_CUSTOMERS` found of all parts of the customers, and the frames that the
    others read."""
    seen = of_customers.select("account_id").unique()
    accounts = pl.concat([frames["staging.accounts"].select(account_id="id"), seen]).unique().pipe(collected).lazy()
    of_all = [_row(check, frames, accounts, terms) for check in CHECKS if check not in OF_CUSTOMERS]
    made = pl.concat([of_customers, *of_all]).pipe(_added_up).join(_meanings(accounts), on=ABOUT, how="right")
    named = pl.col("subjects").list.join("; ")
    more = pl.when(pl.col("failing_rows") > pl.col("subjects").list.len()).then(named + "; ...").otherwise(named)
    checked = made.with_columns(pl.col("failing_rows").fill_null(0)).select(
        "account_id",
        "failing_rows",
        "check_name",
        "table_name",
        "severity",
        detail=pl.when(pl.col("failing_rows") > 0).then(pl.format("{}: {}", "meaning", more)),
    )
    on_the_way = _told(pl.concat(findings), accounts)
    return (
        pl.concat([checked, on_the_way, _silent(on_the_way, accounts)])
        .with_columns(
            passed=(pl.col("failing_rows") == 0) | (pl.col("severity") == NOTE),
            checked_at=pl.lit(terms.as_of, pl.Datetime("us", "UTC")),
        )
        .select(list(DataChecks.create_empty().columns))
        .sort("account_id", "check_name", "table_name")
        .pipe(collected)
        .lazy()
    )


ABOUT = ("account_id", "check_name", "table_name")


def _accounts(frames: Frames) -> pl.LazyFrame:
    names = ("staging.customers", "staging.subscriptions", "staging.charges", "staging.balance_transactions")
    held = [frames[name].select("account_id") for name in names]
    return pl.concat([frames["staging.accounts"].select(account_id="id"), *held]).unique()


def _row(check: "Check", frames: Frames, accounts: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    subjects = pl.col("subject").fill_null("?").sort()
    failing = check.failing(frames, terms)
    if check.is_of_values:
        failing = failing.unique(["account_id", "subject"])
    found = failing.group_by("account_id").agg(_failing_rows(), subjects=subjects)
    return accounts.join(found, on="account_id", how="left").select(
        "account_id",
        pl.col("failing_rows").fill_null(0),
        pl.col("subjects").fill_null([]),
        check_name=pl.lit(check.name),
        table_name=pl.lit(check.table),
    )


def _added_up(found: pl.LazyFrame) -> pl.LazyFrame:
    """What was found of all parts: rows are counted, values that several parts have but once."""
    is_of_values = pl.col("check_name").is_in(OF_VALUES)
    subjects = pl.col("subjects").list.explode(keep_nulls=False, empty_as_null=False)
    values = subjects.unique()
    return (
        found.group_by(ABOUT)
        .agg(
            pl.col("failing_rows").sum(),
            subjects=subjects.sort().head(TOLD),
            values=values.len().cast(pl.Int64),
            first_values=values.sort().head(TOLD),
        )
        .with_columns(
            failing_rows=pl.when(is_of_values).then("values").otherwise("failing_rows"),
            subjects=pl.when(is_of_values).then("first_values").otherwise("subjects"),
        )
        .drop("values", "first_values")
    )


def _meanings(accounts: pl.LazyFrame) -> pl.LazyFrame:
    """Every check of every account with its severity and what it means that rows break it."""
    rows = [(check.name, check.table, check.severity, check.meaning) for check in CHECKS]
    names = ["check_name", "table_name", "severity", "meaning"]
    return accounts.join(pl.LazyFrame(rows, schema=names, orient="row"), how="cross")


def _told(findings: pl.LazyFrame, accounts: pl.LazyFrame) -> pl.LazyFrame:
    """Findings of one kind about one table as one row. They name no account: every account is told."""
    line = pl.format("{}: {}", "subject", "detail").alias("line")
    return (
        findings.with_columns(line)
        .group_by("check_name", "about")
        .agg(
            _failing_rows(),
            _named("line"),
            severity=pl.when((pl.col("severity") == "error").any()).then(pl.lit(BLOCKING)).otherwise(pl.lit(WARNING)),
        )
        .join(accounts, how="cross")
        .select(
            "account_id", "failing_rows", "check_name", pl.col("about").alias("table_name"), "severity", detail="named"
        )
    )


def _silent(told: pl.LazyFrame, accounts: pl.LazyFrame) -> pl.LazyFrame:
    """The kinds of findings of which there was none."""
    looked_for = pl.LazyFrame(FOUND_ON_THE_WAY, schema=["check_name", "table_name", "severity"], orient="row")
    return (
        looked_for.join(accounts, how="cross")
        .join(told, on=["account_id", "check_name", "table_name"], how="anti")
        .select(
            "account_id",
            pl.lit(0, pl.Int64).alias("failing_rows"),
            "check_name",
            "table_name",
            "severity",
            detail=pl.lit(None, pl.String),
        )
    )


def _failing_rows() -> pl.Expr:
    return pl.len().cast(pl.Int64).alias("failing_rows")


def _named(line: str) -> pl.Expr:
    first = pl.col(line).fill_null("?").sort().head(TOLD).str.join("; ")
    return pl.when(pl.len() > TOLD).then(first + "; ...").otherwise(first).alias("named")


def _subject(*columns: str) -> pl.Expr:
    return pl.concat_str([pl.col(column).cast(pl.String) for column in columns], separator=" ", ignore_nulls=True)


def _where(table: str, broken: pl.Expr, *key: str) -> Failing:
    """Rows of a table for which something holds that must not."""
    return lambda frames, _: frames[table].filter(broken).select("account_id", _subject(*key).alias("subject"))


def _orphans(table: str, reference: str, parent: str, of: pl.Expr | None = None) -> Failing:
    """Rows (those for which `of` holds) that name an object which we do not hold."""
    looked_at = pl.col(reference).is_not_null() if of is None else of & pl.col(reference).is_not_null()
    return lambda frames, _: (
        frames[table]
        .filter(looked_at)
        .join(frames[parent], left_on=["account_id", reference], right_on=["account_id", "id"], how="anti")
        .select("account_id", subject=reference)
    )


def _doubles(table: str) -> Failing:
    """Ids that stand twice in an account; they are looked for by a hash of the id alone first, which is quicker."""
    return lambda frames, _: (
        frames[table]
        .filter(pl.col("id").hash().is_duplicated())
        .group_by("account_id", subject="id")
        .agg(rows=pl.len())
        .filter(pl.col("rows") > 1)
        .drop("rows")
    )


def _unequal(key: tuple[str, ...], left: pl.LazyFrame, right: pl.LazyFrame, *amounts: str) -> pl.LazyFrame:
    """Keys for which two frames differ in an amount; a row that one of them lacks counts as 0."""
    pairs = [(pl.col(amount).fill_null(0), pl.col(f"{amount}_right").fill_null(0)) for amount in amounts]
    return (
        left.join(right, on=list(key), how="full", coalesce=True)
        .filter(pl.any_horizontal([one != other for one, other in pairs]))
        .select("account_id", _subject(*(key[1:] or key)).alias("subject"))
    )


def _changes_and_movements(frames: Frames, terms: Terms) -> pl.LazyFrame:
    key = ("account_id", "customer_id", "day", "currency")
    changed, moved = (
        frames[f"marts.{table}"].group_by(*key[:2], pl.col(on).alias("day"), "currency").agg(pl.col("mrr_delta").sum())
        for table, on in (("mrr_changes", "changed_on"), ("mrr_movements", "moved_on"))
    )
    return _unequal(key, changed, moved, "mrr_delta")


def _movements_and_days(frames: Frames, terms: Terms) -> pl.LazyFrame:
    key = ("account_id", "date", "currency")
    movements = frames["marts.mrr_movements"].rename({"moved_on": "date"})
    moved = movements.group_by(key).agg(
        pl.col("mrr_delta").filter(pl.col("movement_type") == kind).sum().alias(f"{kind}_mrr") for kind in TYPES
    )
    return _unequal(key, moved, frames["marts.mrr_by_day"].select(*key, *MOVED), *MOVED)


def _days_and_months(frames: Frames, terms: Terms) -> pl.LazyFrame:
    key = ("account_id", "month", "currency")
    days = (
        frames["marts.mrr_by_day"]
        .group_by("account_id", month_of("date").alias("month"), "currency")
        .agg(
            pl.col(MOVED).sum(),
            pl.col("opening_mrr").sort_by("date").first(),
            pl.col("closing_mrr").sort_by("date").last(),
        )
    )
    columns = (*MOVED, "opening_mrr", "closing_mrr")
    return _unequal(key, days, frames["marts.mrr_by_month"].select(*key, *columns), *columns)


def _next_opening(table: str, on: str, *by: str) -> Failing:
    """Rows whose closing is not the opening of the next."""
    following = pl.col("opening_mrr").shift(-1).over("account_id", *by, order_by=on)
    return lambda frames, _: (
        frames[table]
        .with_columns(next_opening=following)
        .filter(pl.col("closing_mrr") != pl.col("next_opening"))
        .select("account_id", _subject(on, *by).alias("subject"))
    )


def _now_and_history(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Customers whose live subscriptions are worth something else than their movements add up to.

    Nothing is compared where the subscriptions were read long after the as-of instant: they say how things are now.
    """
    key = ("account_id", "customer_id", "currency")
    live = frames["spine.items"].filter("counts").group_by(key).agg(micros=pl.col("mrr_micros").sum())
    moved = frames["spine.movements"].group_by(key).agg(micros=pl.col("delta_micros").sum())
    last = frames["steps.read_at"].group_by("account_id").agg(pl.col("seen_at").max())
    later = last.filter(pl.col("seen_at") > pl.lit(terms.as_of + STILL_LIVE)).select("account_id")
    return _unequal(key, live, moved, "micros").join(later, on="account_id", how="anti")


def _policies_and_parts(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Rows whose parts are not their difference, or whose difference is not that to the default's closing."""
    closing = pl.col("closing_mrr_reporting")
    base = closing.filter(pl.col("policy") == "default").first().over("account_id", "month")
    parts = pl.sum_horizontal(f"{group}_reporting" for group in GROUPS)
    difference = pl.col("difference_reporting")
    return (
        frames["marts.mrr_by_policy"]
        .with_columns(base=base, parts=parts)
        .filter((pl.col("parts") != difference) | (closing - pl.col("base") != difference))
        .select("account_id", _subject("month", "policy").alias("subject"))
    )


def _own_policy_and_months(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Months that close with something else in the comparison of policies than in the table of months."""
    own = frames["marts.mrr_by_policy"].filter(pl.col("policy") == terms.policy.name)
    key = ("account_id", "month")
    compared = own.select(*key, closing_mrr="closing_mrr_reporting")
    return _unequal(key, compared, frames["marts.mrr_by_month_reporting"].select(*key, "closing_mrr"), "closing_mrr")


def _returns_between_churns(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Movements out of turn: a churn after a churn, or a coming without one."""
    key = ["account_id", "customer_id", "currency"]
    ends = pl.col("movement_type") == "churn"
    steps = frames["marts.mrr_movements"].filter(pl.col("movement_type").is_in(["new", "churn", "reactivation"]))
    out_of_turn = ends == ends.shift(1, fill_value=True).over(key, order_by="moved_on")
    return (
        steps.with_columns(out_of_turn=out_of_turn)
        .filter("out_of_turn")
        .select("account_id", _subject("customer_id", "moved_on", "currency").alias("subject"))
    )


def _new_once(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Customers who were new again, though the policy forgets nobody, or not so soon."""
    key = ["account_id", "customer_id", "currency"]
    away = (pl.col("moved_on") - pl.col("moved_on").shift(1).over(key, order_by="moved_on")).dt.total_days()
    remembered = pl.lit(True)
    if terms.policy.reactivation_max_days is not None:
        remembered = pl.col("away") <= terms.policy.reactivation_max_days
    return (
        frames["marts.mrr_movements"]
        .with_columns(away=away)
        .filter(pl.col("movement_type") == "new", pl.col("away").is_not_null(), remembered)
        .select("account_id", _subject("customer_id", "currency").alias("subject"))
        .unique()
    )


def _everyone_in_a_cohort(frames: Frames, terms: Terms) -> pl.LazyFrame:
    key = ("account_id", "cohort_month")
    first = frames["marts.customers"].filter(pl.col("first_paid_on").is_not_null())
    joined = (
        first.group_by("account_id", month_of("first_paid_on").alias("cohort_month"))
        .agg(customers=pl.len().cast(pl.Int64))
        .filter(~is_partial("cohort_month", terms))
    )
    sizes = frames["marts.cohort_retention"].filter(pl.col("months_since") == 0).select(*key, "customers")
    return _unequal(key, joined, sizes, "customers")


def _customers_and_stock(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Months whose closing in the reporting currency is not what customers are worth at the as-of instant."""
    worth = frames["marts.customers"].group_by("account_id").agg(mrr=pl.col("mrr_reporting").sum())
    this_month = pl.col("month") == terms.as_of_day.replace(day=1)
    closing = frames["marts.mrr_by_month_reporting"].filter(this_month).select("account_id", mrr="closing_mrr")
    return _unequal(("account_id",), worth, closing, "mrr")


def read_at(subscription_versions: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """When subscriptions were read last: account_id, seen_at."""
    return subscription_versions.group_by("account_id").agg(pl.col("seen_at").max())


def held_balance(balances: pl.LazyFrame, balance_transactions: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What transactions come to when Stripe stated the balance: account_id, currency, held. Both frames are staged;
    sums of parts of the transactions add up to those of all."""
    return (
        balance_transactions.select("account_id", "currency", "net", "created_at")
        .join(balances.select("account_id", "currency", "seen_at"), on=["account_id", "currency"])
        .filter(pl.col("created_at") <= pl.col("seen_at"))
        .group_by("account_id", "currency")
        .agg(held=pl.col("net").sum())
    )


def _balance_as_stripe_says(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Currencies whose transactions do not add up to the balance that Stripe stated when it was read."""
    held = frames["steps.held_balance"].group_by("account_id", "currency").agg(pl.col("held").sum())
    return (
        frames["staging.balances"]
        .select("account_id", "currency", stated=pl.col("available") + pl.col("pending"))
        .join(held, on=["account_id", "currency"], how="left")
        .filter(pl.col("stated") != pl.col("held").fill_null(0))
        .select("account_id", _subject("currency").alias("subject"))
    )


def _lines_and_invoices(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Invoices whose lines do not add up to them.

    Less their own discounts they are the subtotal, which tells what is missing where the invoice's own discount takes
    everything; less all discounts, with the tax on top and with the shipping, which no line tells, the total.
    """
    lines = (
        frames["staging.invoice_lines"]
        .join(_own_discounts(frames["staging.invoice_lines"]), on=["account_id", "id"], how="left")
        .group_by("account_id", id="invoice_id")
        .agg(
            subtotal=(pl.col("amount") - pl.col("own").fill_null(0)).sum(),
            total=(pl.col("amount") - line_parts.discounts() + line_parts.taxes("exclusive")).sum(),
        )
    )
    shipping = pl.coalesce("shipping_total", "amount_shipping", 0)
    of_lines = pl.col("subtotal"), pl.col("total") - shipping
    invoices = frames["staging.invoices"].select("account_id", "id", *of_lines)
    return _unequal(("account_id", "id"), invoices, lines, "subtotal", "total")


def _own_discounts(lines: pl.LazyFrame) -> pl.LazyFrame:
    """What discounts of the line itself took off it, the invoice's left out: account_id, id, own."""
    return (
        lines.filter(pl.col("discounts").list.len() > 0, pl.col("discount_amounts").list.len() > 0)
        .select("account_id", "id", "discounts", off="discount_amounts")
        .explode("off")
        .unnest("off")
        .filter(pl.col("discount_id").is_in(pl.col("discounts")))
        .group_by("account_id", "id")
        .agg(own=pl.col("amount").sum())
    )


def _only_voided(frames: Frames, terms: Terms) -> pl.LazyFrame:
    billed = (
        frames["staging.invoices"]
        .filter(pl.col("customer_id").is_not_null())
        .group_by("account_id", "customer_id")
        .agg(all_void=(pl.col("status") == "void").all())
        .filter("all_void")
    )
    paying = frames["marts.subscriptions"].filter(pl.col("mrr") > 0).select("account_id", "customer_id").unique()
    return paying.join(billed, on=["account_id", "customer_id"], how="semi").select("account_id", subject="customer_id")


def _without_a_rate(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Currencies in which money moved and that no exchange rate leads from: such amounts are in no reporting figure."""
    tables = ("charges", "refunds", "disputes", "invoices", "balance_transactions")
    used = pl.concat(frames[f"staging.{table}"].select("account_id", "currency", "created_at") for table in tables)
    return (
        used.filter(pl.col("created_at") <= terms.as_of, pl.col("currency").is_not_null())
        .select("account_id", subject="currency")
        .unique()
        .join(frames["spine.rates"], left_on="subject", right_on="currency", how="anti")
    )


def _subscribed_without_a_rate(frames: Frames, terms: Terms) -> pl.LazyFrame:
    return (
        frames["staging.subscriptions"]
        .filter(pl.col("currency").is_not_null(), pl.col("created_at") <= terms.as_of)
        .select("account_id", subject=pl.col("currency").str.to_lowercase())
        .unique()
        .join(frames["spine.rates"], left_on="subject", right_on="currency", how="anti")
    )


def _never_billed(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Subscriptions that went on for a day or more beyond any trial without an invoice, be it of nothing."""
    began = pl.max_horizontal("start_at", "created_at", "trial_end_at")
    began_at_all = ~pl.col("status").is_in([*NEVER_STARTED, "trialing"])
    last = pl.min_horizontal(pl.col("ended_at"), pl.lit(terms.as_of))
    billed = frames["staging.invoices"].select("account_id", "subscription_id")
    return (
        frames["staging.subscriptions"]
        .filter(began_at_all, began + SOON < last)
        .join(billed, left_on=["account_id", "id"], right_on=["account_id", "subscription_id"], how="anti")
        .select("account_id", subject="id")
    )


def _in_several_currencies(frames: Frames, terms: Terms) -> pl.LazyFrame:
    return (
        frames["marts.mrr_movements"]
        .group_by("account_id", "customer_id")
        .agg(pl.col("currency").n_unique())
        .filter(pl.col("currency") > 1)
        .select("account_id", subject="customer_id")
    )


def _without_quantity(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Licensed items of running subscriptions that are of none."""
    runs = frames["staging.subscriptions"].filter(pl.col("status").is_in(RUNNING))
    licensed = frames["staging.prices"].filter(pl.col("recurring_usage_type") == "licensed")
    return (
        frames["staging.subscription_items"]
        .filter(pl.col("quantity").fill_null(0) <= 0)
        .join(runs.select("account_id", subscription_id="id"), on=["account_id", "subscription_id"], how="semi")
        .join(licensed.select("account_id", price_id="id"), on=["account_id", "price_id"], how="semi")
        .select("account_id", subject="id")
    )


def _without_items(frames: Frames, terms: Terms) -> pl.LazyFrame:
    live = frames["staging.subscriptions"].filter(pl.col("status").is_in(RUNNING))
    items = frames["staging.subscription_items"].join(
        frames["staging.prices"].select("account_id", price_id="id"), on=["account_id", "price_id"], how="semi"
    )
    return live.join(
        items, left_on=["account_id", "id"], right_on=["account_id", "subscription_id"], how="anti"
    ).select("account_id", subject="id")


def _unpaid_by_a_charge(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Paid invoice payments whose payment intent has no charge that we hold."""
    paid = frames["staging.invoice_payments"].filter(
        pl.col("status") == "paid", pl.col("payment_intent_id").is_not_null()
    )
    return paid.join(frames["staging.charges"], on=["account_id", "payment_intent_id"], how="anti").select(
        "account_id", subject="id"
    )


_bills_a_period = pl.col("subscription_item_id").is_not_null() & ~pl.col("proration").fill_null(False)
_opens_to_closes = pl.sum_horizontal("opening_mrr", *MOVED)
_value = pl.col("value")
_baseless = _value.is_not_null() & pl.col("unit").is_in(["rate", "ratio"]) & pl.col("denominator").fill_null(0).eq(0)


def _deferred_and_still_to_earn(frames: Frames, _: Terms) -> pl.LazyFrame:
    """The last closing of each currency against what the waterfall has to come, less what it has earned unbilled."""
    closing = (
        frames["marts.revenue_recognition_by_month"]
        .sort("month")
        .group_by("account_id", "currency")
        .agg(pl.col("deferred_closing").last())
    )
    to_come = (
        frames["marts.deferred_revenue"]
        .group_by("account_id", "currency")
        .agg(to_come=pl.col("deferred").sum() - pl.col("unbilled").sum())
    )
    return (
        closing.join(to_come, on=["account_id", "currency"], how="full", coalesce=True)
        .filter(pl.col("deferred_closing").fill_null(0) != pl.col("to_come").fill_null(0))
        .select("account_id", _subject("currency").alias("subject"))
    )


def _is_of_customers(check: Check) -> bool:
    return check.table.startswith("staging.") or check.name in WITHIN_CUSTOMERS


WITHIN_CUSTOMERS = (
    "changes_sum_to_movements",
    "customers_are_new_once",
    "churns_and_returns_take_turns",
    "no_negative_mrr",
    "subscriptions_have_an_exchange_rate",
    "paying_customers_were_billed",
    "customers_pay_in_one_currency",
)
"""Checks of public tables whose rows are customers', which compare nothing beyond a customer."""


def _recovery_and_its_dimensions(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Months of a dimension whose rows do not add up to what failed and was recovered in the month."""
    key = ("account_id", "month", "dimension")
    amounts = ("failed_invoices", "failed_amount_reporting", "recovered_invoices", "recovered_amount_reporting")
    dimensions = pl.LazyFrame({"dimension": DIMENSIONS})
    split = frames["marts.recovery_by_dimension"].filter(pl.col("dimension").is_in(DIMENSIONS))
    whole = frames["marts.recovery_by_month"].select(*key[:2], *amounts).join(dimensions, how="cross")
    return _unequal(key, split.group_by(key).agg(pl.col(amounts).sum()), whole, *amounts)


def _slices_and_months(frames: Frames, terms: Terms) -> pl.LazyFrame:
    """Months of a dimension whose slices do not add up to the month, or whose transfers do not cancel out."""
    key = ("account_id", "month", "dimension")
    amounts = ("opening_mrr", *MOVED, "fx_mrr", "closing_mrr")
    slices = frames["marts.mrr_by_month_slice"]
    added = slices.group_by(key).agg(pl.col(amounts).sum(), transfers=pl.sum_horizontal(pl.col(TRANSFERS).sum()))
    months = frames["marts.mrr_by_month_reporting"].select(*key[:2], *amounts)
    whole = months.join(slices.select("dimension").unique(), how="cross").with_columns(transfers=pl.lit(0))
    return _unequal(key, added, whole, *amounts, "transfers")


CHECKS: tuple[Check, ...] = (
    Check(
        "changes_sum_to_movements",
        "marts.mrr_movements",
        BLOCKING,
        "a customer's day moved by something else than its items changed",
        _changes_and_movements,
    ),
    Check(
        "movements_sum_to_days",
        "marts.mrr_by_day",
        BLOCKING,
        "a day shows something else than its customers moved",
        _movements_and_days,
    ),
    Check(
        "days_add_up",
        "marts.mrr_by_day",
        BLOCKING,
        "opening and movements do not give the closing",
        _where("marts.mrr_by_day", _opens_to_closes != pl.col("closing_mrr"), "date", "currency"),
    ),
    Check(
        "closing_is_the_next_opening",
        "marts.mrr_by_day",
        BLOCKING,
        "a day opens with something else than the day before closed with",
        _next_opening("marts.mrr_by_day", "date", "currency"),
    ),
    Check(
        "days_sum_to_months",
        "marts.mrr_by_month",
        BLOCKING,
        "a month shows something else than its days",
        _days_and_months,
    ),
    Check(
        "reporting_months_add_up",
        "marts.mrr_by_month_reporting",
        BLOCKING,
        "opening, movements and FX do not give the closing",
        _where("marts.mrr_by_month_reporting", _opens_to_closes + pl.col("fx_mrr") != pl.col("closing_mrr"), "month"),
    ),
    Check(
        "closing_is_the_next_opening",
        "marts.mrr_by_month_reporting",
        BLOCKING,
        "a month opens with something else than the month before closed with",
        _next_opening("marts.mrr_by_month_reporting", "month"),
    ),
    Check(
        "policies_add_up",
        "marts.mrr_by_policy",
        BLOCKING,
        "the parts of a policy's difference to the default do not add up",
        _policies_and_parts,
    ),
    Check(
        "own_policy_closes_as_its_months",
        "marts.mrr_by_policy",
        BLOCKING,
        "a month closes with something else in the comparison of policies",
        _own_policy_and_months,
    ),
    Check(
        "live_mrr_is_the_history_to_date",
        "marts.mrr_by_day",
        BLOCKING,
        "live subscriptions are worth something else than the history adds up to",
        _now_and_history,
    ),
    Check(
        "customers_sum_to_closing",
        "marts.customers",
        BLOCKING,
        "customers are worth something else than the month's closing",
        _customers_and_stock,
    ),
    Check("customers_are_new_once", "marts.mrr_movements", BLOCKING, "a customer was new twice", _new_once),
    Check(
        "churns_and_returns_take_turns",
        "marts.mrr_movements",
        BLOCKING,
        "a churn after a churn, or a coming of who had not left",
        _returns_between_churns,
    ),
    Check(
        "no_negative_mrr",
        "marts.mrr_movements",
        BLOCKING,
        "a customer's MRR is below zero",
        _where("marts.mrr_movements", pl.col("mrr_after") < 0, "customer_id", "moved_on", "currency"),
    ),
    Check(
        "cohorts_hold_every_customer",
        "marts.cohort_retention",
        BLOCKING,
        "a cohort is not all who joined in its month",
        _everyone_in_a_cohort,
    ),
    Check(
        "rates_have_a_base",
        "marts.metrics_by_month",
        BLOCKING,
        "a rate without a base, or one that is no number",
        _where("marts.metrics_by_month", _baseless | _value.is_nan() | _value.is_infinite(), "month", "metric"),
    ),
    Check(
        "balance_reconciles",
        "marts.balance_reconciliation",
        BLOCKING,
        "opening, activity and payouts do not give the closing",
        _where("marts.balance_reconciliation", pl.col("difference") != 0, "month", "currency"),
    ),
    Check(
        "payouts_are_what_they_carried",
        "marts.payout_reconciliation",
        BLOCKING,
        "the balance transactions of a payout do not add up to it",
        _where("marts.payout_reconciliation", pl.col("outcome") == DIFFERS, "payout_id"),
    ),
    Check(
        "deferred_revenue_adds_up",
        "marts.revenue_recognition_by_month",
        BLOCKING,
        "what is deferred is not what is still to be earned of everything billed",
        _deferred_and_still_to_earn,
    ),
    Check(
        "transactions_are_net_of_fees",
        "staging.balance_transactions",
        BLOCKING,
        "net is not amount less fee",
        _where("staging.balance_transactions", pl.col("net") != pl.col("amount") - pl.col("fee"), "id"),
    ),
    Check(
        "balance_is_as_stripe_says",
        "staging.balance_transactions",
        WARNING,
        "transactions do not add up to the balance that Stripe states",
        _balance_as_stripe_says,
    ),
    *(
        Check("ids_are_unique", f"staging.{table}", BLOCKING, "an id stands twice", _doubles(f"staging.{table}"))
        for table in ("charges", "invoices", "invoice_lines", "subscriptions", "customers", "balance_transactions")
    ),
    Check(
        "refunds_have_their_charge",
        "staging.refunds",
        BLOCKING,
        "a charge that we do not hold",
        _orphans("staging.refunds", "charge_id", "staging.charges"),
    ),
    Check(
        "disputes_have_their_charge",
        "staging.disputes",
        BLOCKING,
        "a charge that we do not hold",
        _orphans("staging.disputes", "charge_id", "staging.charges"),
    ),
    Check(
        "lines_have_their_invoice",
        "staging.invoice_lines",
        BLOCKING,
        "an invoice that we do not hold",
        _orphans("staging.invoice_lines", "invoice_id", "staging.invoices"),
    ),
    Check(
        "payments_have_their_invoice",
        "staging.invoice_payments",
        BLOCKING,
        "an invoice that we do not hold",
        _orphans("staging.invoice_payments", "invoice_id", "staging.invoices"),
    ),
    Check(
        "payments_have_their_charge",
        "staging.invoice_payments",
        BLOCKING,
        "paid by a charge that we do not hold",
        _unpaid_by_a_charge,
    ),
    Check(
        "mrr_slices_add_up",
        "marts.mrr_by_month_slice",
        BLOCKING,
        "a dimension's slices are not the month, or its transfers do not cancel out",
        _slices_and_months,
    ),
    Check(
        "recovery_dimensions_add_up",
        "marts.recovery_by_dimension",
        BLOCKING,
        "a dimension's rows are not what failed and was recovered in the month",
        _recovery_and_its_dimensions,
    ),
    Check(
        "money_has_an_exchange_rate",
        "staging.charges",
        BLOCKING,
        "no exchange rate leads from a currency to the reporting one; its amounts are in no reporting figure",
        _without_a_rate,
        is_of_values=True,
    ),
    Check(
        "subscriptions_have_an_exchange_rate",
        "marts.mrr_by_policy",
        WARNING,
        "no exchange rate leads from a subscription's currency to the reporting one; its MRR is missing here",
        _subscribed_without_a_rate,
        is_of_values=True,
    ),
    Check(
        "lines_sum_to_invoices",
        "staging.invoice_lines",
        WARNING,
        "lines are not the invoice's subtotal, or with discounts, tax and shipping its total; some may be missing",
        _lines_and_invoices,
    ),
    Check(
        "live_subscriptions_have_a_price",
        "staging.subscriptions",
        WARNING,
        "a live subscription without an item whose price we hold",
        _without_items,
    ),
    Check(
        "paying_customers_were_billed",
        "marts.customers",
        WARNING,
        "a customer with MRR whose invoices were all voided",
        _only_voided,
    ),
    Check(
        "subscriptions_were_billed",
        "staging.subscriptions",
        WARNING,
        "a subscription without any invoice: while it runs it counts by what it says itself, once ended it never did",
        _never_billed,
    ),
    Check(
        "customers_pay_in_one_currency",
        "marts.mrr_movements",
        NOTE,
        "a customer with MRR in several currencies: counted in each, and once in the reporting one",
        _in_several_currencies,
    ),
    Check(
        "starts_are_not_backdated",
        "staging.subscriptions",
        NOTE,
        "a subscription that began before it was made: it counts from its start, in months that were over",
        _where("staging.subscriptions", pl.col("start_at") + SOON < pl.col("created_at"), "id"),
    ),
    Check(
        "items_have_a_quantity",
        "staging.subscription_items",
        NOTE,
        "a running item of no quantity is worth nothing",
        _without_quantity,
    ),
    Check(
        "recurring_lines_are_not_negative",
        "staging.invoice_lines",
        NOTE,
        "a period billed at less than nothing: its price lowers MRR",
        _where("staging.invoice_lines", _bills_a_period & (pl.col("amount") < 0), "id"),
    ),
    Check(
        "no_test_clocks",
        "staging.subscriptions",
        WARNING,
        "a subscription on a test clock is no customer's",
        _where("staging.subscriptions", pl.col("test_clock_id").is_not_null(), "id"),
    ),
)
"""Every check, in the order of what it looks at."""

OF_ALL = (
    "live_mrr_is_the_history_to_date",
    "balance_is_as_stripe_says",
)
"""Checks that look at all customers of an account together, beside those of the account's own tables."""

READ_OF_ALL = (
    "spine.items",
    "spine.movements",
    "steps.held_balance",
    "steps.read_at",
    "marts.customers",
    "marts.mrr_movements",
)
"""Frames of customers that such checks, and those of the account's own tables, read."""

OF_CUSTOMERS = tuple(check for check in CHECKS if check.name not in OF_ALL and _is_of_customers(check))
"""Checks whose failing rows are those of each part of the customers."""

OF_VALUES = tuple(check.name for check in CHECKS if check.is_of_values)
"""Checks that count values, which several rows may have."""
