"""A Stripe account in a box: a simulated business with its own books, served over Stripe's HTTP API."""
