"""What an explanation says, for a terminal and a page alike: names, sentences, sums and verdicts in words."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from dashboards.values import grouped, plain_decimal
from models.currency import minor_exponent
from models.explain import Explanation, Figure, Input, arithmetic
from models.lineage import SOURCES
from models.lineage.source import NUMBER
from reports.glossary import ENTRIES

_TOLD = {entry.term: entry for entry in ENTRIES}


def title(figure: Figure) -> str:
    """`Monthly recurring revenue (MRR)`; `New MRR`."""
    if figure.name in _TOLD:
        return _TOLD[figure.name].name
    words = figure.name.replace("_", " ").replace("mrr", "MRR")
    return words[:1].upper() + words[1:]


def sentence(figure: Figure) -> str:
    """What the figure is, in one sentence or two."""
    if figure.name in _TOLD:
        return _TOLD[figure.name].formula
    words = figure.metric.formula
    return f"{words[:1].upper()}{words[1:]}."


def formula(figure: Figure) -> str:
    """`arr = 12 × closing_mrr`."""
    if figure.inputs == (figure.name,):
        return f"{figure.name} = the sum of its {SOURCES[figure.name].words}"
    return f"{figure.name} = {arithmetic(figure)}"


def exact(minor: Decimal | None, currency: str | None) -> str:
    """An amount in major units to its last digit, `2,790.48954558 USD`; a number where it has no currency."""
    if minor is None:
        return "nothing"
    if currency is None:
        return f"{minor:,f}".rstrip("0").rstrip(".") if "." in f"{minor:f}" else f"{minor:,}"
    exponent = minor_exponent(currency)
    major = minor.scaleb(-exponent)
    digits = max(exponent, len(plain_decimal(major).partition(".")[2]))
    return f"{major:,.{digits}f} {currency.upper()}"


def amount_of(each: Input, currency: str | None) -> str:
    """The sum of an input's rows, exact."""
    return exact(each.total, None if each.source.unit == NUMBER else currency)


def rows_words(count: int) -> str:
    """`1 row adds up to`, `4 rows add up to`."""
    return "1 row adds up to" if count == 1 else f"{count:,} rows add up to"


def sum_words(one: Explanation, each: Input) -> str:
    """`4 rows add up to 1,234.56 USD: as published.`; the verdict stands where the input is the figure itself."""
    said = f"{rows_words(each.rows.height)} {amount_of(each, one.currency)}"
    return f"{said}: {verdict(one)}." if is_its_input(one) else f"{said}."


def is_its_input(one: Explanation) -> bool:
    """Whether the figure is its only input, so that nothing is left to compute."""
    is_sum = one.figure.derived is None and not one.figure.is_divided
    return len(one.inputs) == 1 and is_sum and one.inputs[0].total == one.found_numerator


def result_words(one: Explanation) -> str:
    """What the inputs come to, by the figure's arithmetic, and whether that is what was published."""
    currency = _currency(one)
    if one.figure.is_divided:
        parts = f"{exact(one.found_numerator, currency)} / {exact(one.found_denominator, currency)}"
        return f"{formula(one.figure)} = {parts}{_quotient(one)}: {verdict(one)}."
    return f"{formula(one.figure)} = {_made(one.found_numerator, one, currency)}: {verdict(one)}."


def _made(minor: Decimal | None, one: Explanation, currency: str | None) -> str:
    """What the arithmetic comes to; a share as a share."""
    return exact(minor, None if one.figure.unit == "rate" else currency)


def verdict(one: Explanation) -> str:
    """`as published`, or what was published instead."""
    if one.agrees:
        return "as published"
    currency = _currency(one)
    over = f" / {exact(one.denominator, currency)}" if one.figure.is_divided else ""
    return f"NOT as published, which is {_made(one.numerator, one, currency)}{over}"


def share_words(one: Explanation, share: tuple[Decimal | None, Decimal | None]) -> str:
    """A customer's part of a figure: of its numerator, and of its denominator where there is one."""
    currency = _currency(one)
    if not one.figure.is_divided:
        return f"{exact(share[0], currency)} of {exact(one.numerator, currency)}"
    return (
        f"{exact(share[0], currency)} of the numerator, {exact(one.numerator, currency)}; "
        f"{exact(share[1], currency)} of the denominator, {exact(one.denominator, currency)}"
    )


def value_words(one: Explanation) -> str:
    """The figure as a page shows it: `2,790.49 USD`, `1.5%`, `52`; `n/a` without a base."""
    if one.numerator is None:
        return "n/a"
    if one.figure.is_divided:
        return _quotient(one).removeprefix(" = ") or "n/a"
    if one.figure.unit == "rate":
        return f"{one.numerator * 100:.2f}%"
    if one.figure.unit == "count":
        return f"{one.numerator:,.0f}"
    code = one.currency or ""
    return f"{grouped(one.numerator.scaleb(-minor_exponent(code)), minor_exponent(code))} {code.upper()}"


def cell_words(one: Explanation) -> str:
    """`, policy stripe`; `, all customers, tenure month 5`; nothing where there is one figure a month."""
    told = dict(one.cell)
    words = []
    if "segment" in told:
        segment, value = told.pop("segment"), told.pop("segment_value")
        words.append("all customers" if segment == "all" else f"{segment.replace('_', ' ')} {value}")
    return "".join(f", {part}" for part in (*words, *(f"{key.replace('_', ' ')} {told[key]}" for key in told)))


def _quotient(one: Explanation) -> str:
    if one.numerator is None or not one.denominator:
        return ""
    share = one.numerator / one.denominator
    return f" = {share:.2f}" if one.figure.name == "quick_ratio" else f" = {share * 100:.2f}%"


def _currency(one: Explanation) -> str | None:
    """The currency of numerator and denominator; None where they are numbers."""
    is_number = all(each.source.unit == NUMBER for each in one.inputs)
    return None if is_number else one.currency


UNDATED = {
    "cohort_retention": "cohort_month",
    "cash_by_day": "date_trunc('month', date)",
    "payout_reconciliation": "date_trunc('month', created_on)",
}
"""What dates the rows of tables that have no month."""
AS_OF = ("survival_by_month", "customer_ltv")
"""Tables that say how things are now."""


def published_sql(figure: Figure, month: date, cell: Mapping[str, object] | None = None) -> str:
    """SQL on the published database for the rows that hold the figure; `cell` has values of its keys."""
    if figure.column is None:
        asked, where, by = "month, value, numerator, denominator", [f"metric = '{figure.name}'"], ""
    else:
        chosen_by = {**(cell or {}), **({figure.where[0]: figure.where[1]} if figure.where else {})}
        by = ", ".join([*figure.keys, *(["currency"] if figure.in_own_currency else [])])
        sums = ", ".join(f"sum({column})" for column in (figure.column, figure.over) if column)
        asked = f"{by}, {sums}" if by else sums
        where = [f"{key} = {_literal(value)}" for key, value in chosen_by.items()]
    dated = UNDATED.get(figure.table, "month")
    conditions = " and ".join([*where, *([] if figure.table in AS_OF else [f"{dated} = date '{month}'"])]) or "true"
    grouped_by = f" group by {by}" if by else ""
    return f"select {asked} from {figure.table} where {conditions}{grouped_by}"  # noqa: S608 - our own names


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else "'{}'".format(str(value).replace("'", "''"))
