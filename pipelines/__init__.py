"""Everything that reads Stripe, writes DuckDB and schedules the work. The only room that knows the clock and the network."""
