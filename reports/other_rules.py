"""MRR by other rules: what each preset of the metric policy makes of the same account, and why it differs.

The presets are vendors' published rules, applied to the account's own data; no figure here comes from a vendor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from dashboards import figures
from dashboards.figures import Series
from dashboards.footing import footed_months
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Month, month_text
from models.policy import GROUPS, PRESETS, MetricPolicy
from reports.glossary import SHORT
from reports.marts import Marts
from reports.terms import Terms, joined

TERM = "mrr_by_policy"
SHOWN_MONTHS = 24
NOTHING = "No subscription has counted in MRR yet, by any rules."
BASE = "default"
SAME = "the same"

VENDORS: Mapping[str, str] = {
    "default": "Default",
    "stripe": "Stripe",
    "chartmogul": "ChartMogul",
    "baremetrics": "Baremetrics",
    "profitwell": "ProfitWell",
    "maxio": "Maxio",
}
"""Presets as people call them."""

GROUP_WORDS: Mapping[str, str] = {
    "trials": "Trials",
    "cancel_timing": "Cancellations",
    "discounts": "Discounts",
    "pauses": "Pauses",
    "dunning": "Late payment",
    "fx": "Exchange rates",
    "other": "Other rules",
}
"""Groups of rules, in the order in which they are switched."""

GROUP_ROLES: Mapping[str, str] = {
    "trials": "reactivation",
    "cancel_timing": "churn",
    "discounts": "main",
    "pauses": "second",
    "dunning": "contraction",
    "fx": "fx",
    "other": "total",
}
LINE_ROLES: Mapping[str, str] = {
    "stripe": "main",
    "chartmogul": "second",
    "baremetrics": "third",
    "profitwell": "fourth",
    "maxio": "fifth",
}
"""Presets' lines; a policy of one's own is drawn in black."""


@dataclass(frozen=True)
class ByPolicy:
    """One month under one policy as it is printed: whole minor units that foot, with the exact row beside them."""

    first: date
    policy: str
    is_partial: bool
    closing: int
    parts: Mapping[str, int]
    exact: Mapping[str, Any]

    @property
    def difference(self) -> int:
        """To the default's closing."""
        return sum(self.parts.values())


def page(marts: Marts, terms: Terms) -> Page:
    """MRR by other rules."""
    rows = read(marts)
    now = _latest(rows)
    return Page(
        "other-rules",
        "Other rules",
        findings(now, terms),
        (
            Section(
                "Today",
                (difference_chart(now, terms), _table(now, terms)),
                (
                    "Each row is this account's own subscriptions, counted by that vendor's published rules. No figure "
                    "comes from a vendor.",
                ),
            ),
            Section("Over time", (history_chart(rows, terms),)),
            Section(
                "The rules", (_rules(),), ("What each preset counts, and when. docs/metrics.md says where it is from.",)
            ),
        ),
    )


def read(marts: Marts) -> list[ByPolicy]:
    """Every month under every policy, oldest first; the policy in use first, where it is no preset."""
    frame = marts.table(TERM)
    order = [*(name for name in frame["policy"].unique().sort() if name not in PRESETS), *PRESETS]
    exact = {(row["month"], row["policy"]): row for row in frame.to_dicts()}
    found = []
    for month in sorted({month for month, _ in exact}):
        base = exact[month, BASE]["closing_mrr_reporting"]
        found += [_printed(exact[month, name], base) for name in order if (month, name) in exact]
    return found


def findings(now: Sequence[ByPolicy], terms: Terms) -> tuple[str, ...]:
    """What the comparison says, in sentences."""
    if not now:
        return (NOTHING,)
    by_name = {one.policy: one for one in now}
    own = by_name.get(terms.publication.policy_name, by_name[BASE])
    said = [f"MRR is {terms.words(own.closing)} by the rules in use ({_called(own.policy)})."]
    if own.policy != "stripe":
        stripe = by_name["stripe"]
        said.append(
            f"By Stripe's published rules, as its dashboard counts, it is {terms.words(stripe.closing)}: "
            f"{_against(stripe.closing - own.closing, terms)}."
        )
    told = [one for one in now if one.policy in (own.policy, "stripe") and one.difference]
    said += [f"{_called(one.policy)} differs from the default by {_reasons(one, terms)}." for one in told]
    least, most = min(now, key=lambda one: one.closing), max(now, key=lambda one: one.closing)
    if least.closing != most.closing:
        said.append(
            f"The same subscriptions come to {terms.words(least.closing)} ({_called(least.policy)}) at least and "
            f"{terms.words(most.closing)} ({_called(most.policy)}) at most."
        )
    return tuple(said)


def difference_chart(now: Sequence[ByPolicy], terms: Terms) -> Chart:
    """What each group of rules adds and takes away, a column a policy."""
    others = [one for one in now if one.policy != BASE]
    groups = [group for group in GROUPS if any(one.parts[group] for one in others)]
    stacked = [
        Series(GROUP_WORDS[group], GROUP_ROLES[group], [terms.money(one.parts[group], signed=True) for one in others])
        for group in groups
    ]
    table = Table(
        "other-rules-difference",
        f"Difference of MRR to the default's, {terms.unit}",
        (Column("Rules"), *(Column(GROUP_WORDS[group]) for group in groups), Column("Difference")),
        tuple(
            Row(
                (
                    _called(one.policy),
                    *(terms.money(one.parts[group], signed=True) for group in groups),
                    terms.money(one.difference, signed=True),
                )
            )
            for one in others
        ),
        empty=NOTHING,
        sortable=False,
    )
    return Chart(
        "other-rules-difference",
        f"Why MRR differs by other rules, {_when(now)}" if now else "Why MRR differs by other rules",
        figures.columns([_called(one.policy) for one in others], stacked),
        _widest(others, terms),
        f"{terms.unit} a month, against the default",
        SHORT[TERM],
        TERM,
        table,
        empty="" if stacked else "Every preset comes to the same MRR." if now else NOTHING,
    )


def history_chart(rows: Sequence[ByPolicy], terms: Terms) -> Chart:
    """How far each policy was from the default, month by month."""
    months = sorted({one.first for one in rows})[-SHOWN_MONTHS - 1 :]
    by_month = {(one.first, one.policy): one for one in rows}
    names = list(dict.fromkeys(one.policy for one in rows if one.policy != BASE))
    partial = next((place for place, month in enumerate(months) if by_month[month, BASE].is_partial), None)
    series = [
        Series(
            _called(name),
            LINE_ROLES.get(name, "net"),
            [terms.money(by_month[month, name].difference, signed=True) for month in months],
            partial,
        )
        for name in names
    ]
    return Chart(
        "other-rules-history",
        "Difference to the default, month by month",
        figures.lines([month_text(month) for month in months], series),
        _history_words(months, by_month, terms),
        f"{terms.unit} a month, at month end",
        f"{SHORT[TERM]} Dashed: the month is not over." if partial is not None else SHORT[TERM],
        TERM,
        Table(
            "other-rules-history",
            f"MRR at month end by each policy, {terms.unit}",
            (Column("Month"), *(Column(_called(name)) for name in (BASE, *names))),
            tuple(
                Row(
                    (
                        Month(month, by_month[month, BASE].is_partial),
                        *(terms.money(by_month[month, name].closing) for name in (BASE, *names)),
                    ),
                    "partial" if by_month[month, BASE].is_partial else "",
                )
                for month in months
            ),
            empty=NOTHING,
            download=_download(rows, terms),
        ),
        empty="" if months else NOTHING,
    )


def _table(now: Sequence[ByPolicy], terms: Terms) -> TableBlock:
    own = terms.publication.policy_name
    rows = tuple(
        Row(
            (
                f"{_called(one.policy)}, in use" if one.policy == own else _called(one.policy),
                terms.money(one.closing),
                terms.money(one.difference, signed=True),
                *(terms.money(one.parts[group], signed=True) for group in GROUPS),
            ),
            "total" if one.policy == own else "",
        )
        for one in now
    )
    return TableBlock(
        f"MRR by each policy, {_when(now)}" if now else "MRR by each policy",
        Table(
            "other-rules",
            f"MRR by each policy and what its rules change, {terms.unit}",
            (
                Column("Rules"),
                Column("MRR", unit=terms.unit),
                Column("Against default"),
                *(Column(GROUP_WORDS[group]) for group in GROUPS),
            ),
            rows,
            notes=("Every row adds up: the groups to the difference, the default's MRR and the difference to MRR",),
            empty=NOTHING,
            sortable=False,
        ),
        f"{terms.unit} a month",
        SHORT[TERM],
        TERM,
    )


COUPONS = {"forever": "for ever", "once": "once", "repeating": "repeating"}
PAUSES: Mapping[tuple[str, ...], str] = {
    (): "goes on counting",
    ("mark_uncollectible", "void"): "counts only if postponed",
    ("keep_as_draft", "mark_uncollectible", "void"): "does not count",
}
FX = {
    "daily_stock": "each month end's",
    "movement_date": "of the customer's first day",
    "constant": "today's throughout",
    "native": "none",
}

RULES_IN_WORDS: tuple[tuple[str, Callable[[MetricPolicy], str]], ...] = (
    ("Trials", lambda policy: "count" if policy.trials_count else "do not count"),
    (
        "A cancellation counts",
        lambda policy: {"ended": "at the end", "requested": "when asked for"}[policy.churn_moment],
    ),
    ("Coupons that lower MRR", lambda policy: joined([COUPONS[one] for one in policy.counted_discounts])),
    ("Paused collection", lambda policy: PAUSES[policy.zero_pause_behaviors]),
    ("Paused subscriptions", lambda policy: "count" if policy.paused_status_counts else "do not count"),
    ("Past due", lambda policy: _while_owed("past_due", policy)),
    ("Unpaid", lambda policy: _while_owed("unpaid", policy)),
    ("Exchange rates", lambda policy: FX[policy.fx_mode]),
    ("Customers who pay nothing", lambda policy: "are customers" if policy.free_customers == "active" else "are none"),
    (
        "Joining and leaving in one month",
        lambda policy: {"both": "shows both"}.get(policy.same_month_churn, "shows neither"),
    ),
    ("Back after a gap", lambda policy: _back(policy)),
)
"""Rules as a row each: what a policy makes of it, in words."""


def _while_owed(status: str, policy: MetricPolicy) -> str:
    if status not in policy.counted_statuses:
        return "does not count"
    return "counts" if policy.past_due_days is None else f"counts for {policy.past_due_days} days"


def _back(policy: MetricPolicy) -> str:
    gap = "any gap" if not policy.grace_days else f"more than {policy.grace_days} days"
    limit = policy.reactivation_max_days
    return f"reactivation after {gap}" + ("" if limit is None else f", new after {limit} days")


def _rules() -> TableBlock:
    return TableBlock(
        "What each preset counts",
        Table(
            "rules-of-presets",
            "The rules of each preset, in words",
            (Column("Rule"), *(Column(VENDORS[name]) for name in PRESETS)),
            tuple(Row((rule, *(told(policy) for policy in PRESETS.values()))) for rule, told in RULES_IN_WORDS),
            sortable=False,
        ),
        "Rules",
        SHORT[TERM],
        TERM,
    )


def _printed(row: Mapping[str, Any], base: Decimal) -> ByPolicy:
    exact = [row[f"{group}_reporting"] for group in GROUPS]
    _, (parts,), (closing,) = footed_months([base], [exact], [row["closing_mrr_reporting"]])
    return ByPolicy(row["month"], row["policy"], row["is_partial"], closing, dict(zip(GROUPS, parts, strict=True)), row)


def _latest(rows: Sequence[ByPolicy]) -> list[ByPolicy]:
    last = max((one.first for one in rows), default=None)
    return [one for one in rows if one.first == last]


def _called(policy: str) -> str:
    return VENDORS.get(policy, policy)


def _when(now: Sequence[ByPolicy]) -> str:
    return f"{month_text(now[0].first)}{' so far' if now[0].is_partial else ''}"


def _against(difference: int, terms: Terms) -> str:
    if not difference:
        return SAME
    return f"{terms.words(abs(difference))} {'more' if difference > 0 else 'less'}"


def _reasons(one: ByPolicy, terms: Terms) -> str:
    """`discounts (+1,002.92 USD) and cancellations (−699.24 USD)`, the largest first."""
    moved = sorted((group for group in GROUPS if one.parts[group]), key=lambda group: -abs(one.parts[group]))
    return joined([f"{GROUP_WORDS[group].lower()} ({terms.words(one.parts[group], signed=True)})" for group in moved])


def _widest(others: Sequence[ByPolicy], terms: Terms) -> str:
    if not any(one.difference for one in others):
        return NOTHING if not others else "Every preset comes to the same MRR."
    widest = max(others, key=lambda one: abs(one.difference))
    difference = terms.words(widest.difference, signed=True)
    return f"{_called(widest.policy)} differs most, by {difference}: {_reasons(widest, terms)}."


def _history_words(months: Sequence[date], by_month: Mapping[tuple[date, str], ByPolicy], terms: Terms) -> str:
    complete = [month for month in months if not by_month[month, BASE].is_partial]
    if not complete:
        return "No month is over yet." if months else NOTHING
    first, last = complete[0], complete[-1]
    differences = {month: _against(by_month[month, "stripe"].difference, terms) for month in (first, last)}
    then = f", and {differences[first]} at the end of {month_text(first)}" if first != last else ""
    than = "as" if differences[last] == SAME else "than"
    return (
        f"By Stripe's rules MRR was {differences[last]} {than} by the default's at the end of {month_text(last)}{then}."
    )


def _download(rows: Sequence[ByPolicy], terms: Terms) -> Download:
    """Every month and policy as a row, with exact amounts."""
    parts = [f"{group}_reporting" for group in GROUPS]
    amounts = ("closing_mrr_reporting", "difference_reporting", *parts)
    header = ("month", "policy", "policy_hash", "mrr", "difference", *GROUPS, "currency", "is_partial")

    def cells(one: ByPolicy) -> tuple[Cell, ...]:
        told = (terms.money(one.exact[name]) for name in amounts)
        flag = "true" if one.is_partial else "false"
        return (Month(one.first, one.is_partial), one.policy, one.exact["policy_hash"], *told, terms.unit, flag)

    return Download("other-rules-history", header, [cells(one) for one in rows])
