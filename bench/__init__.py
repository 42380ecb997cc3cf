"""Measures the whole proxy beside its peers; `python -m bench --help`, and docs/performance.md."""
