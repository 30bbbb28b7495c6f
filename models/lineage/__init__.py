"""Where each figure comes from: the rows behind every input, down to the ids that Stripe knows them by.

A source gives rows of one form: account_id, month, customer_id (null where no one's), the ids and facts of the row,
own_amount and own_currency where it was converted or is money, and `amount`, exact, in minor units of `currency` (or a
number, where `currency` is null). The amounts of a month (or of those rows that the source says are behind a cell) add
up to the input. Sources are the functions that the
metrics themselves are summed from, over the published tables: no figure is defined twice.
"""

from collections.abc import Mapping

from models.lineage import cash, customers, lifetimes, payments, policies, recurring, revenue
from models.lineage.source import Source

SOURCES: Mapping[str, Source] = {
    **recurring.SOURCES,
    **customers.SOURCES,
    **payments.SOURCES,
    **cash.SOURCES,
    **revenue.SOURCES,
    **policies.SOURCES,
    **lifetimes.SOURCES,
}
"""Every input of a figure and the rows behind it. A figure whose inputs are not all here fails a test."""
