"""Everything that reads Stripe, writes DuckDB and schedules the work: the only room that knows clock and network."""
