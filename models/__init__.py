"""The metrics: pure functions on Polars frames. No I/O, no clock, no environment."""
