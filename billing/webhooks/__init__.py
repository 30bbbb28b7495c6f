"""Events that Stripe sends: verified, kept in an inbox before they are answered, and handed to the company's own code.

It is handed secrets, a clock and what scrubs a payload; what an event means for the figures is not decided here.
"""
