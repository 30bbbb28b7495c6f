"""Revenue recognition and deferred revenue: what was billed, earned evenly by the second over the period it is for.

A management estimate after ASC 606 for subscriptions, on billed amounts without tax; no audit. Everything is a posting
with the period of an invoice line: the line itself, and what takes some of it back (credit note, refund, dispute, void,
write-off) as a posting of the opposite sign, known when it happened. What had passed of a posting's period by then is
caught up at that moment, the rest follows the clock. Rules: https://docs.stripe.com/revenue-recognition/methodology
"""

import polars as pl

from models import crediting, line_parts
from models.allotment import allotted, part
from models.periods import day_of, is_partial, month_of, months_until, opens_at
from models.plans import collected
from models.reversals import reversals
from models.terms import Terms

LINE = ("account_id", "line_id")
POSTING = ("account_id", "posting_id")
KEY = ("account_id", "month", "currency")

BILLED = {"invoice": "invoiced", "write_off": "written_off"}
"""Kind of posting → column of what it billed; every other kind is `credited`."""

CAUGHT_UP = {"invoice": "earned", "write_off": "bad_debt"}
"""Kind of posting → column of what had passed of its period when it became known; every other is `contra_revenue`."""

LAPSED = ":lapsed"
"""What the id of an invoice item ends with that takes back what no invoice will bill."""

SECOND = 1_000_000
"""In microseconds."""

COLUMNS = ("invoiced", "credited", "written_off", "earned", "contra_revenue", "bad_debt")


def postings(
    invoices: pl.LazyFrame,
    invoice_lines: pl.LazyFrame,
    invoice_items: pl.LazyFrame,
    credit_notes: pl.LazyFrame,
    credit_note_lines: pl.LazyFrame,
    refunds: pl.LazyFrame,
    disputes: pl.LazyFrame,
    charges: pl.LazyFrame,
    invoice_payments: pl.LazyFrame,
    balance_transactions: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    prices: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Everything that was billed or taken back to the as-of instant, as postings.

    Columns: account_id, posting_id, invoice_id, kind (invoice, credit_note, refund, dispute, void, write_off, lapse),
    currency, amount (minor units without tax; negative where something is taken back), start_at, end_at (of what it is
    for), known_at, billed_at (null where it waits for its invoice).
    """
    billed_lines = [_lines(invoices, invoice_lines, invoice_items, terms), _shipping(invoices, terms)]
    lines = pl.concat(billed_lines).drop_nulls("currency").pipe(collected).lazy()
    named = crediting.named(credit_notes, credit_note_lines, lines).pipe(collected).lazy()
    back = reversals(
        invoices,
        lines,
        credit_notes,
        named,
        refunds,
        disputes,
        charges,
        invoice_payments,
        balance_transactions,
        terms,
    )
    taken_back = crediting.spread(back.pipe(collected).lazy(), lines, named).select(
        "account_id",
        "invoice_id",
        "kind",
        "currency",
        "start_at",
        "end_at",
        posting_id=pl.concat_str("reversal_id", "line_id", separator="/"),
        amount=-pl.col("share"),
        known_at="at",
        billed_at="at",
    )
    billed = lines.rename({"line_id": "posting_id"})
    columns = taken_back.collect_schema().names()
    waiting = _without_tax(_waiting(invoices, invoice_items, terms), invoices, invoice_lines, prices)
    unbilled = [frame.select(columns) for frame in (waiting, _lapsed(waiting, subscriptions, terms))]
    made = pl.concat([billed.select(columns), taken_back, *unbilled])
    return made.filter(pl.col("amount") != 0)


def shares(postings: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Each posting by the month in which it is earned: the posting's columns and month, caught_up, earned, later.

    caught_up had passed when the posting became known, earned passed since, up to the as-of instant; later is still to
    come, in this and in future months. A posting's shares sum to its amount, to the minor unit.
    """
    made = postings.sort(POSTING).pipe(collected)
    earned = (
        _passed(spans(made.lazy(), terms).pipe(collected), terms)
        .group_by("posting", "number")
        .agg(pl.col("caught_up", "earned", "later").sum())
        .sort("posting", "number")
        .select("posting", _month("number"), "caught_up", "earned", "later")
    )
    about = made.select(*POSTING, "invoice_id", "kind", "currency", "amount", "known_at", "billed_at")
    return pl.concat([about[earned["posting"]], earned.drop("posting")], how="horizontal").lazy()


def spans(postings: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What each calendar month has of each posting: posting (its row), number (of the month), from_at, seconds, whole
    (of the amount), caught_up (of that, when the posting became known), known_in (the number of that month).

    Months are numbered and instants are microseconds: there are two rows a posting or more. The as-of instant does not
    matter here.
    """
    made = postings.pipe(collected)
    months = _months(made, terms)
    dated = made.with_row_index("posting").select(
        "posting",
        "amount",
        pl.col("start_at", "end_at", "known_at").dt.epoch("us"),
        known_in=_number(day_of("known_at", terms)),
        first=_number(day_of("start_at", terms)),
        last=_number(day_of(pl.max_horizontal("start_at", pl.col("end_at") - pl.duration(microseconds=1)), terms)),
    )
    is_short = pl.col("last") - pl.col("first") <= 1
    whole = pl.concat([_in_two(dated.filter(is_short), months), _in_more(dated.filter(~is_short), months)])
    return whole.with_columns(caught_up=_passed_by(pl.col("known_at"))).drop("known_at").lazy()


def recognised(postings: pl.LazyFrame, spans: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The shares of postings added up, but for the as-of month's: account_id, currency, kind, billed_month (null where
    it waits for its invoice), month, billed (in that month), caught_up, earned, later.

    What is earned in a month of what was billed in one; sums of parts of the postings add up to those of all.
    """
    made = _dated(postings, terms)
    kinds = made.select(ABOUT).unique().with_row_index("of")
    of = made.select(ABOUT).join(kinds, on=ABOUT, how="left", nulls_equal=True, maintain_order="left")["of"]
    over = spans.filter(pl.col("number") != _now(terms)).pipe(collected)
    summed = (
        _passed(over, terms)
        .with_columns(of[over["posting"]])
        .group_by("of", "number")
        .agg(pl.col("caught_up", "earned", "later").sum())
        .with_columns(_month("number"))
        .drop("number")
    )
    billed = made.select("amount", of=of).group_by("of").agg(billed=pl.col("amount").sum())
    by_kind = kinds.join(billed, on="of").drop_nulls("billed_month").with_columns(month="billed_month")
    return pl.concat([kinds.join(summed, on="of").drop("of"), by_kind.drop("of")], how="diagonal").lazy()


def running(postings: pl.LazyFrame, spans: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What the as-of month has of each posting, of which so much is earned as has passed: account_id, posting_id,
    currency, kind, billed_month, and the columns of `spans`."""
    made = _dated(postings, terms)
    now = spans.filter(pl.col("number") == _now(terms)).pipe(collected)
    about = made.select("posting_id", *ABOUT)[now["posting"]]
    return pl.concat([about, now.drop("posting")], how="horizontal").lazy()


def earned(recognised: pl.LazyFrame, running: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`recognised`, with the as-of month's: what of `running` had passed by the as-of instant."""
    passed = _passed(running.with_row_index("posting").pipe(collected), terms)
    about = running.select(ABOUT).pipe(collected)[passed["posting"]]
    now = pl.concat([about, passed.with_columns(_month("number")).drop("posting", "number")], how="horizontal")
    return pl.concat([recognised, now.lazy()], how="diagonal")


ABOUT = ("account_id", "currency", "kind", "billed_month")
"""What the shares of postings are added up by."""


def _dated(postings: pl.LazyFrame, terms: Terms) -> pl.DataFrame:
    return postings.with_columns(billed_month=month_of(day_of("billed_at", terms))).pipe(collected)


def _now(terms: Terms) -> int:
    """The number of the as-of month."""
    return terms.as_of_day.year * 12 + terms.as_of_day.month - 1


def _passed(spans: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """What of each posting is earned when: posting, number (of the month), caught_up, earned, later.

    A month stands twice where what had passed before a posting became known is caught up in it.
    """
    passed = _passed_by(pl.lit(terms.as_of).dt.epoch("us"))
    return spans.with_columns(passed=passed).select(
        "posting",
        "caught_up",
        number=pl.max_horizontal("number", "known_in"),
        earned=pl.col("passed") - pl.col("caught_up"),
        later=pl.col("whole") - pl.col("passed"),
    )


SPAN = ("posting", "number", "from_at", "seconds", "known_at", "known_in", "whole")
"""What a month has of a posting: `whole` of its amount, from an instant on, for so many seconds of it."""


def _in_two(short: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    """The spans of postings that end in the month in which they begin or in the next, as most do.

    The rule is that of `allotted`. Of two remainders that add up to one the larger gets the odd unit, the first of
    equal ones: so the first month has its exact share rounded, a half up, and the second the rest.
    """
    both = _timed(short.with_columns(number="first"), months)
    second = _timed(short.with_columns(number=pl.col("first") + 1), months)
    seconds, seconds_after = pl.col("seconds").cast(pl.Int128), pl.col("seconds_after").cast(pl.Int128)
    size, together = pl.col("amount").cast(pl.Int128).abs(), seconds + seconds_after
    rounded = (2 * size * seconds + together) // pl.max_horizontal(2 * together, pl.lit(1, pl.Int128))
    ends_there = (pl.col("last") == pl.col("first")) | (together == 0)
    first = pl.when(ends_there).then(size).otherwise(rounded) * pl.col("amount").sign().cast(pl.Int128)
    divided = both.with_columns(seconds_after=second["seconds"]).with_columns(whole=first.cast(pl.Int64))
    rest = second.with_columns(whole=pl.col("amount") - divided["whole"]).filter(pl.col("last") > pl.col("first"))
    return pl.concat([divided.select(SPAN), rest.select(SPAN)])


def _in_more(long: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    """The spans of postings that end later."""
    spans = long.with_columns(number=pl.int_ranges("first", pl.col("last") + 1)).explode("number")
    timed = _timed(spans, months).lazy()
    return (
        allotted(timed, "amount", "seconds", within=["posting"], order=["number"], into="whole")
        .select(SPAN)
        .pipe(collected)
    )


def _timed(spans: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    """The spans with the instant from which and the seconds for which they lie in the month of their `number`."""
    place = spans["number"] - (months["number"].min() or 0)
    return (
        spans.with_columns(months["opens_at"][place], months["closes_at"][place])
        .with_columns(from_at=pl.max_horizontal("start_at", "opens_at"), to_at=pl.min_horizontal("end_at", "closes_at"))
        .with_columns(seconds=pl.col("to_at") // SECOND - pl.col("from_at") // SECOND)
        .drop("start_at", "end_at", "opens_at", "closes_at", "to_at")
    )


def _months(postings: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Every month that postings are for, and one more, in order: number, opens_at and closes_at in microseconds."""
    bounds = postings.select(
        low=_number(day_of(pl.col("start_at").min(), terms)),
        high=_number(day_of(pl.max_horizontal(pl.col("start_at").max(), pl.col("end_at").max()), terms)) + 1,
    )
    every = bounds.select(number=pl.int_ranges("low", pl.col("high") + 2)).explode("number").drop_nulls()
    opens = every.select("number", opens_at=opens_at(_month("number"), terms).dt.epoch("us"))
    return opens.with_columns(closes_at=pl.col("opens_at").shift(-1)).head(-1)


def _number(day: pl.Expr) -> pl.Expr:
    """Months since the year 0 of a day."""
    return day.dt.year().cast(pl.Int64) * 12 + day.dt.month() - 1


def _month(number: str) -> pl.Expr:
    """The first day of a month of that number."""
    return pl.date(pl.col(number) // 12, pl.col(number) % 12 + 1, 1).alias("month")


def _passed_by(instant: pl.Expr) -> pl.Expr:
    """How much of the `whole` of a span had passed by an instant; what is for a moment passes in it."""
    seconds = (instant // SECOND - pl.col("from_at") // SECOND).clip(0, pl.col("seconds"))
    is_to_come = (pl.col("seconds") == 0) & (pl.col("from_at") > instant)
    return pl.when(is_to_come).then(0).otherwise(part("whole", seconds, pl.col("seconds")))


def revenue_recognition_by_month(earned: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.revenue_recognition_by_month`: `earned` is of the function of that name.

    billed = invoiced + credited + written_off and recognized = earned + contra_revenue + bad_debt, so that every row
    adds up: deferred_opening + billed - recognized = deferred_closing.
    """
    moved = pl.concat([_billed(earned), _recognized(earned, terms)], how="diagonal")
    monthly = moved.group_by(KEY).agg(pl.col(COLUMNS).sum())
    return (
        months_until(monthly, terms, by=("account_id", "currency"))
        .join(monthly, on=KEY, how="left")
        .with_columns(pl.col(COLUMNS).fill_null(0))
        .with_columns(
            billed=pl.sum_horizontal("invoiced", "credited", "written_off"),
            recognized=pl.sum_horizontal("earned", "contra_revenue", "bad_debt"),
        )
        .with_columns(
            deferred_closing=(pl.col("billed") - pl.col("recognized"))
            .cum_sum()
            .over("account_id", "currency", order_by="month")
        )
        .with_columns(
            deferred_opening=pl.col("deferred_closing") - pl.col("billed") + pl.col("recognized"),
            is_partial=is_partial("month", terms),
        )
        .select(*KEY, "billed", "recognized", "deferred_opening", "deferred_closing", *COLUMNS, "is_partial")
        .sort(KEY)
    )


def deferred_revenue(earned: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.deferred_revenue`: the waterfall, months of billing by months of earning, future ones included.

    A row of the as-of month holds what passed of it in `recognized` and the rest in `deferred`. What waits for its
    invoice stands in the as-of month: what passed of it is `unbilled`, the rest is no one's debt yet. A row is there
    where any of the three is: what was billed and what waits may have earned the opposite.
    """
    passed, is_billed = pl.col("caught_up") + pl.col("earned"), pl.col("billed_month").is_not_null()
    return (
        earned.group_by(
            "account_id",
            pl.col("billed_month").fill_null(terms.as_of_day.replace(day=1)).alias("billed_into"),
            pl.col("month").alias("recognition_month"),
            "currency",
        )
        .agg(
            recognized=passed.sum(),
            unbilled=passed.filter(~is_billed).sum(),
            deferred=pl.col("later").filter(is_billed).sum(),
        )
        .rename({"billed_into": "billed_month"})
        .filter(pl.any_horizontal(pl.col("recognized", "unbilled", "deferred") != 0))
        .sort("account_id", "billed_month", "recognition_month", "currency")
    )


def _lines(
    invoices: pl.LazyFrame, invoice_lines: pl.LazyFrame, invoice_items: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """Lines of finalised invoices, without discounts and tax. A proration is known from the day its item was made."""
    finalised = invoices.filter(pl.col("finalized_at") <= terms.as_of).select(
        "account_id", "finalized_at", invoice_id="id", invoice_currency="currency"
    )
    made = invoice_items.select("account_id", invoice_item_id="id", item_made_at="created_at")
    start = pl.coalesce("period_start_at", "finalized_at")
    known = pl.when(pl.col("proration")).then(pl.min_horizontal("item_made_at", "finalized_at"))
    return (
        invoice_lines.drop_nulls("amount")
        .join(finalised, on=["account_id", "invoice_id"])
        .join(made, on=["account_id", "invoice_item_id"], how="left")
        .select(
            "account_id",
            "invoice_id",
            line_id="id",
            kind=pl.lit("invoice"),
            currency=pl.coalesce("currency", "invoice_currency"),
            amount=pl.col("amount") - line_parts.discounts() - line_parts.taxes("inclusive"),
            start_at=start,
            end_at=pl.max_horizontal(pl.coalesce("period_end_at", start), start),
            known_at=pl.coalesce(known, "finalized_at"),
            billed_at="finalized_at",
        )
    )


def _shipping(invoices: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What invoices charge for shipping, which no line tells: earned when they are finalised. Without its tax."""
    return invoices.filter(pl.col("finalized_at") <= terms.as_of, pl.col("amount_shipping") != 0).select(
        "account_id",
        invoice_id="id",
        line_id=pl.col("id") + crediting.SHIPPING,
        kind=pl.lit("invoice"),
        currency="currency",
        amount="amount_shipping",
        start_at="finalized_at",
        end_at="finalized_at",
        known_at="finalized_at",
        billed_at="finalized_at",
    )


def _waiting(invoices: pl.LazyFrame, invoice_items: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Prorations made by the as-of instant that no finalised invoice holds yet: earned, but not billed."""
    finalised = invoices.filter(pl.col("finalized_at") <= terms.as_of).select("account_id", invoice_id="id")
    never = invoices.filter(pl.col("status") == "void", pl.col("finalized_at").is_null()).select(
        "account_id", invoice_id="id"
    )
    return (
        invoice_items.filter("proration", pl.col("created_at") <= terms.as_of)
        .drop_nulls(["amount", "currency", "period_start_at"])
        .join(pl.concat([finalised, never]), on=["account_id", "invoice_id"], how="anti")
        .select(
            "account_id",
            "invoice_id",
            "subscription_id",
            "subscription_item_id",
            "price_id",
            "currency",
            "amount",
            posting_id="id",
            kind=pl.lit("invoice"),
            start_at="period_start_at",
            end_at=pl.max_horizontal(pl.coalesce("period_end_at", "period_start_at"), "period_start_at"),
            known_at="created_at",
            billed_at=pl.lit(None, pl.Datetime("us", "UTC")),
        )
    )


def _without_tax(
    waiting: pl.LazyFrame, invoices: pl.LazyFrame, invoice_lines: pl.LazyFrame, prices: pl.LazyFrame
) -> pl.LazyFrame:
    """What waits, without the tax that is in it, of which an invoice item says nothing.

    The line made of it tells its amount, where there is one already. Else tax is taken out in the ratio of the last
    line of the subscription item that was billed before, or of its subscription where the item is new and its price
    not without tax: the rule of MRR.
    """
    wanted = waiting.select(
        "account_id", "subscription_id", "posting_id", "known_at", "price_id", of="subscription_item_id"
    )
    net = pl.col("amount") - line_parts.discounts()
    told = invoice_lines.drop_nulls("amount").with_columns(taxed=net, kept=net - line_parts.taxes("inclusive"))
    own = (
        told.select("account_id", "kept", posting_id="invoice_item_id")
        .join(wanted, on=POSTING, how="semi")
        .group_by(POSTING)
        .agg(own=pl.col("kept").sum())
    )
    lines = told.join(wanted, on=["account_id", "subscription_id"], how="semi").select(
        "account_id", "subscription_id", "subscription_item_id", "invoice_id", "taxed", "kept", line_id="id"
    )
    exclusive = prices.filter(pl.col("tax_behavior") == "exclusive").select("account_id", price_id="id", untaxed=True)
    finalised = invoices.drop_nulls("finalized_at").select("account_id", "finalized_at", invoice_id="id")
    is_same = (pl.col("subscription_item_id") == pl.col("of")).fill_null(False)
    ratios = (
        wanted.join(lines, on=["account_id", "subscription_id"])
        .join(finalised, on=["account_id", "invoice_id"])
        .join(exclusive, on=["account_id", "price_id"], how="left")
        .with_columns(is_same=is_same)
        .filter(
            pl.col("finalized_at") <= pl.col("known_at"),
            pl.col("taxed") != 0,
            pl.col("is_same") | pl.col("untaxed").is_null(),
        )
        .sort("is_same", "finalized_at", pl.col("taxed").abs(), "line_id")
        .group_by(POSTING)
        .agg(pl.col("kept", "taxed").last().abs())
    )
    kept, taxed = (pl.col(name).fill_null(1) for name in ("kept", "taxed"))
    return (
        waiting.join(own, on=POSTING, how="left")
        .join(ratios, on=POSTING, how="left")
        .with_columns(amount=pl.coalesce("own", part("amount", kept, taxed)))
        .drop("own", "kept", "taxed")
    )


def _lapsed(waiting: pl.LazyFrame, subscriptions: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What waits for an invoice of a subscription that has ended is no one's debt any more: taken back as it ended.

    Stripe puts pending prorations on the last invoice of a subscription that ends with its period; where it was
    canceled at once they stay, and no invoice of it comes that would bill them.
    https://docs.stripe.com/api/subscriptions/cancel
    """
    ended = subscriptions.filter(pl.col("ended_at") <= terms.as_of).select(
        "account_id", "ended_at", subscription_id="id"
    )
    return waiting.join(ended, on=["account_id", "subscription_id"]).with_columns(
        posting_id=pl.col("posting_id") + LAPSED,
        kind=pl.lit("lapse"),
        amount=-pl.col("amount"),
        known_at=pl.max_horizontal("known_at", "ended_at"),
    )


def _billed(earned: pl.LazyFrame) -> pl.LazyFrame:
    return _by_kind(earned.drop_nulls("billed"), "billed", BILLED, "credited")


def _recognized(earned: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    passed = earned.filter(pl.col("month") <= terms.as_of_day)
    return pl.concat(
        [
            _by_kind(passed, "caught_up", CAUGHT_UP, "contra_revenue"),
            passed.group_by(KEY).agg(earned=pl.col("earned").sum()),
        ],
        how="diagonal",
    )


def _by_kind(frame: pl.LazyFrame, amount: str, columns: dict[str, str], otherwise: str) -> pl.LazyFrame:
    def of(column: str) -> pl.Expr:
        kinds = [kind for kind, into in columns.items() if into == column]
        is_it = pl.col("kind").is_in(kinds) if column != otherwise else ~pl.col("kind").is_in(list(columns))
        return pl.col(amount).filter(is_it).sum().alias(column)

    return frame.group_by(KEY).agg(of(column) for column in (*columns.values(), otherwise))
