"""What several tests share, in the test's own process.

- `blocking_calls`: blocking calls made inline.
- `dialogues`: handshakes, fed any pieces of a peer's bytes.
- `wire`: legs on real sockets, and a reactor that the test turns.
- `proxy_in_memory`: a whole proxy without sockets.
- `users`, `requests`, `links_table`: browsers and viewers, their requests, and the links they open.
- `api`, `cli`: the HTTP API in memory, and the command in front of it.
- `external_tokens`: contexts and tables of token sources.
- `opennebula`, `hypervisors_here`: clouds and hypervisors in memory.
- `cost`: how the cost of a call grows with its input.
"""
