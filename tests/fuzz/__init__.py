"""Fuzzers: of everything that is spoken over HTTP, and of the messages of viewers and servers.

- `tests.fuzz.grammar`: hostile bytes, nearly right.
- `tests.fuzz.surface`: the whole proxy in memory, and what no bytes may do to it.
- `tests.fuzz.messages`: streams of messages, nearly right.
- `tests.fuzz.filters`: both filters, and what no stream may do to them.

    python -m tests.fuzz --cases 1000000 --seed 1
"""
