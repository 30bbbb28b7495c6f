"""Dagster's view of the rooms: thin assets that fetch, call, write and report metadata."""
