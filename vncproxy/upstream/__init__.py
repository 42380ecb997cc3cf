"""The hypervisor's side: from an endpoint to a leg whose handshakes are done.

The way: `open_console` gets a `ConsoleEndpoint`; `connect_transport` connects to it;
`ConsoleHandshakes` runs over the new leg TLS and `open_websocket` where the transport wants them,
the endpoint's handshakes (HTTP CONNECT, RFB security), then ClientInit and ServerInit.

- `console`: `open_console`, `try_login`, and what they return.
- `transport`: the connection: TCP, unix socket or a file descriptor.
- `handshakes`: all handshakes of one connection, and their time limit.
- `websocket`: the opening handshake of a WebSocket.
- `background`: lets a login that has begun finish after its caller was cancelled.
"""

from .console import Console, is_vnc_server, open_console, try_login

__all__ = ["Console", "is_vnc_server", "open_console", "try_login"]
