"""The fast relay: sockets leave Twisted's transports for pumps once both handshakes are over.

The way of a byte from a hypervisor to a browser:

1. `Dispatcher._take_turn` polls the sockets, `Dispatcher._serve` calls `Pump.ready`.
2. `Pump._receive` reads into the dispatcher's buffer, `Pump._pass_on` calls the other pump.
3. `Pump.send_payload` writes a frame's header in front of the payload, `Pump._send` sends both.

What these shortcuts do not cover goes through `Leg.dataReceived`, as in the plain relay.

- `relay`: `join`, the entry point: two legs in, two pumps joined.
- `detach`: takes a socket out of its transport; all names private to Twisted are there.
- `dispatcher`: polls the sockets, interactive flows before bulk flows.
- `frames`: headers and masks of WebSocket frames, in the dispatcher's buffer.
- `pump`: one socket: reads, counts, frames, unmasks and sends; the transport of a leg meanwhile.
- `tapped`: the way of bytes that a tap copies.
- `tls_pump`: the same with TLS.
"""

from .relay import join

__all__ = ["join"]
