"""What a company that is about to bill through Stripe needs, found by asking its account: `checks.CHECKS` is the list.

Reads and changes nothing. The keys, the settings and the trail of the machine it runs on are handed in.
"""
