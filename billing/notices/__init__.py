"""Mails that follow from what happens at Stripe: asked for by kind, each sent once, under limits, on record.

It is handed keys, a clock, a mail server and what renders a mail; how a mail looks is not decided here.
"""
