"""What a terminal is given: amounts, and words that others wrote."""

from decimal import Decimal

_CONTROLS = (*range(32), *range(127, 160))
_TURNING = (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
"""Marks that show nothing, and turn round or hide what follows (Unicode TR 36, bidirectional text spoofing)."""
_UNPRINTABLE = dict.fromkeys((*_CONTROLS, *_TURNING), " ")


def printable(text: str) -> str:
    """The text without what could move the cursor, hide what stands before, or turn round what follows."""
    return text.translate(_UNPRINTABLE)


def money(minor: int | Decimal | None, currency: str | None) -> str:
    """`1,200.00 USD`; nothing where no money moves, or it is not known."""
    if minor is None or currency is None:
        return ""
    from models.currency import minor_exponent  # commands that tell no amount start without frames

    exponent = minor_exponent(currency)
    return f"{Decimal(minor).scaleb(-exponent):,.{exponent}f} {currency.upper()}"
