"""How a payload's text becomes a column's type, and how what does not fit is told: SQL expressions, as data.

A staging query gives every value as the text that the payload holds; the cast is made here once, so that a value that
does not fit is known by its text being there and its cast being null. Knows no table and opens no connection.
"""

from dataclasses import dataclass

import polars as pl

from pipelines.warehouse.tables import Column

TEXT = "VARCHAR"
WHOLE = "BIGINT"
INSTANT = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that is there and does not fit: where it goes, and the SQL condition that finds it."""

    path: str
    condition: str


def cast(column: Column, given: str) -> str:
    """The column's value, `given` as the staging query has it, in the contract's type; null where it does not fit."""
    if given == column.type:
        return f'"{column.name}"'
    if given == TEXT and column.type == INSTANT:
        return f'instant_of("{column.name}")'
    return f'try_cast("{column.name}" as {column.type})'


def misfits(column: Column, given: str, dtype: pl.DataType) -> tuple[Misfit, ...]:
    """What can go wrong: nothing for text, one thing for a value, one for each field of a list's rows."""
    if given == column.type:
        return ()
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        return tuple(
            Misfit(f"{column.name}[].{field.name}", _any(column.name, _broken(f"part.{field.name}", kind)))
            for field in dtype.inner.fields
            if (kind := SCALARS.get(type(field.dtype))) is not None
        )
    value = f'"{column.name}"'
    return (Misfit(column.name, f"{value} is not null and {_lost(value, cast(column, given), column.type)}"),)


SCALARS: dict[type, str] = {pl.Int64: WHOLE, pl.Decimal: "DECIMAL(38,12)", pl.Boolean: "BOOLEAN"}
"""Types of the fields inside lists that are more than text."""


def _any(name: str, condition: str) -> str:
    return f'coalesce(len(list_filter("{name}", lambda part: {condition})), 0) > 0'


def _broken(value: str, kind: str) -> str:
    return f"{value} is not null and {_lost(value, f'try_cast({value} as {kind})', kind)}"


def _lost(value: str, cast_value: str, kind: str) -> str:
    """DuckDB rounds '1.5' to a whole number without a word; that is a loss too."""
    rounded = f" or contains({value}, '.')" if kind == WHOLE else ""
    return f"({cast_value} is null{rounded})"
