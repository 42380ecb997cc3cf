"""The hot path: legs, their framing, and the relays that join two of them.

A leg first runs handshakes (`run_handshake`); then a relay's `join` makes it the receiver of the
other leg's bytes. The way of a byte in the plain relay: `Leg.dataReceived`, `Framing.receive`, the
stages of its direction if there are any (`through`), `Leg.send` of the other leg, `Framing.encode`.
In the fast relay it passes neither leg: see `vncproxy.relay.fast`.

- `leg`: one side of a session on its transport: framing, back-pressure, TLS, close.
- `verifier`: what a leg that starts TLS needs of the check of its server.
- `handshaking`: runs a handshake over a leg.
- `framing`: the interface of the two framings, and their errors and close codes.
- `raw_framing`: no framing: TCP viewers and hypervisors' sockets.
- `websocket_framing`: binary messages of RFC 6455.
- `masks`: masking of WebSocket payload.
- `plain`: the reference relay.
- `stages`: what a policy puts between the legs: filters, rewriters, recorders.
- `pacing`: keeps the bytes to a viewer below a rate.
- `fast`: the relay from socket to socket.
- `sockets`: the options of every socket, and the half-close.
- `sending`: sends on Twisted's transports without a turn of the reactor.
"""
