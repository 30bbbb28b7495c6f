"""DuckDB: append raw, stage it into typed tables, publish staging and marts. Knows nothing of the API."""
