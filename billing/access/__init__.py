"""Tells the company's own system when a customer's access starts, changes tier or ends: from how subscriptions stand,
never from the order of events; at least once, in order for each customer, until it is taken.

It is handed keys, a clock and what tells; it knows no settings.
"""
