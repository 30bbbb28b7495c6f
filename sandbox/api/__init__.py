"""The HTTP server in front of the world: lists, reads, errors, limits and faults as Stripe has them."""
