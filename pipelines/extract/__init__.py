"""Reads the Stripe API into raw tables: a catalogue of streams that one engine reads. Knows nothing of metrics."""
