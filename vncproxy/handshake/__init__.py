"""Handshakes as generators of steps, and the driver that runs them, without I/O.

`vncproxy.relay.handshaking` runs them over a leg.

- `steps`: the steps (`Read`, `Write`, `StartTLS`, …) and their errors.
- `dialogue`: the driver: bytes in, bytes out, a result and leftover bytes.
- `reasons`: texts of peers as one printable line.
- `http_connect`: HTTP CONNECT, as its client.
"""
