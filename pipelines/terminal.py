"""What a terminal is given of words that others wrote."""

_UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160)), " ")


def printable(text: str) -> str:
    """The text without controls, which could move the cursor or hide what stands before."""
    return text.translate(_UNPRINTABLE)
