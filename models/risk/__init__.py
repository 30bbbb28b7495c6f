"""Who is about to leave or to stop paying, why, and what that would cost, always beside how well it was told before.

`features` is the list of what is looked at, `payments` and `changes` find when each held, `snapshots` says what was
known of whom at each scoring date and refuses what was known later, `points` weighs it, `backtest` says how well that
did, `accounts` makes the list that people and billing actions go by.
"""
