"""Fuzzers: of HTTP, of logins over RFB, and of the messages of viewers and servers.

- `tests.fuzz.grammar`: hostile bytes, nearly right.
- `tests.fuzz.surface`: the whole proxy in memory, and what no bytes may do to it.
- `tests.fuzz.viewers`: native viewers, which log in over RFB.
- `tests.fuzz.messages`: streams of messages, nearly right.
- `tests.fuzz.filters`: both filters, and what no stream may do to them.

    python -m tests.fuzz --cases 1000000 --seed 1
"""
