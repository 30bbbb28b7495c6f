"""Measures what the project does, part by part, on this machine: `python -m benchmarks`."""
