"""For trying things in test mode: Stripe's test cards, test clocks, and customers of every sort on them.

Everything that acts refuses a live key before the first request.
"""
