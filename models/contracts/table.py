"""What a table is here: a schema class that every room reads.

The class gives columns, types, keys, nullability, units and descriptions. From it come the run-time validation,
DuckDB's DDL and comments, Dagster's column metadata and the data dictionary.
"""

from collections.abc import Mapping

import dataframely as dy

MICROS_SCALE = 6
"""Decimals of an MRR column: MRR is held to a millionth of a minor unit."""


class Table(dy.Schema):
    """A table of the warehouse: `schema_name.table_name`, with its grain as the class's docstring."""

    schema_name: str
    table_name: str

    @classmethod
    def qualified_name(cls) -> str:
        """`marts.mrr_changes`, as SQL names it."""
        return f"{cls.schema_name}.{cls.table_name}"

    @classmethod
    def grain(cls) -> str:
        """What one row is: the docstring's first paragraph, on one line."""
        return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


def text(description: str, *, key: bool = False, nullable: bool = False) -> dy.String:
    """Text as Stripe sent it; ids are text."""
    return dy.String(primary_key=key, nullable=nullable, description=description)


def count(description: str, *, nullable: bool = False) -> dy.Int64:
    """How many."""
    return dy.Int64(nullable=nullable, description=description, metadata={"unit": "count"})


def number(description: str, *, nullable: bool = False, key: bool = False) -> dy.Int64:
    """A whole number that is neither money nor a count."""
    return dy.Int64(nullable=nullable, primary_key=key, description=description)


def money(description: str, *, nullable: bool = False) -> dy.Int64:
    """An amount in minor units of the row's `currency`."""
    return dy.Int64(nullable=nullable, description=description, metadata={"unit": "minor units"})


def reporting_money(description: str, *, nullable: bool = False) -> dy.Int64:
    """An amount in minor units of the reporting currency."""
    return dy.Int64(nullable=nullable, description=description, metadata={"unit": "minor units, reporting currency"})


def mrr(description: str, *, nullable: bool = False) -> dy.Decimal:
    """Monthly recurring revenue in minor units of the row's `currency`, exact to a millionth."""
    return dy.Decimal(18, MICROS_SCALE, nullable=nullable, description=description, metadata={"unit": "minor units"})


def reporting_mrr(description: str, *, nullable: bool = False) -> dy.Decimal:
    """Monthly recurring revenue in minor units of the reporting currency, exact to a millionth."""
    return dy.Decimal(
        18,
        MICROS_SCALE,
        nullable=nullable,
        description=description,
        metadata={"unit": "minor units, reporting currency"},
    )


def exact(description: str, *, nullable: bool = False) -> dy.Decimal:
    """A decimal exactly as Stripe wrote it, to twelve places."""
    return dy.Decimal(38, 12, nullable=nullable, description=description)


def rate(description: str) -> dy.Float64:
    """A share, 0..1; null where its denominator is zero."""
    return dy.Float64(nullable=True, description=description, metadata={"unit": "rate"})


def instant(description: str, *, nullable: bool = False, key: bool = False) -> dy.Datetime:
    """A moment, UTC."""
    return dy.Datetime(
        time_zone="UTC",
        time_unit="us",
        nullable=nullable,
        primary_key=key,
        description=description,
        metadata={"unit": "UTC"},
    )


def day(description: str, *, key: bool = False, nullable: bool = False) -> dy.Date:
    """A date in the reporting zone."""
    return dy.Date(primary_key=key, nullable=nullable, description=description, metadata={"unit": "reporting zone"})


def flag(description: str, *, nullable: bool = False) -> dy.Bool:
    """True or false."""
    return dy.Bool(nullable=nullable, description=description)


def texts(description: str) -> dy.List:
    """Texts in order; empty or null where there are none."""
    return dy.List(dy.String(nullable=True), nullable=True, description=description)


def structs(fields: Mapping[str, dy.Column], description: str) -> dy.List:
    """Rows within a row, in order; empty or null where there are none."""
    return dy.List(dy.Struct(dict(fields), nullable=True), nullable=True, description=description)
