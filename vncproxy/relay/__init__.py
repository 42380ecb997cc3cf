"""The hot path: legs, their framing, and what joins two of them.

- `vncproxy.relay.frames`: WebSocket and raw framing, without I/O.
- `vncproxy.relay.leg`: one side of a session on its Twisted transport.
- `vncproxy.relay.plain`: the reference relay, nothing clever.
- `vncproxy.relay.stages`: what a policy puts on the way of the bytes.
- `vncproxy.relay.sockets`: what is set on every socket.
"""
