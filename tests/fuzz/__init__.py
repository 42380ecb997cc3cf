"""A fuzzer of everything that is spoken over HTTP: pages, web sockets, viewers, API, balancers.

- `tests.fuzz.grammar`: hostile bytes, nearly right.
- `tests.fuzz.surface`: the whole proxy in memory, and what no bytes may do to it.

    python -m tests.fuzz --cases 1000000 --seed 1
"""
