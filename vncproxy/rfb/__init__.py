"""The RFB protocol (RFC 6143, and what servers do beyond it), without I/O.

The proxy is the client of hypervisors and the server of viewers.

- `versions`: protocol versions and failure reasons.
- `greeting`: the handshake with a viewer, and its refusal.
- `security`: the security handshake with a server.
- `security_types`: the types by number and name.
- `unsupported_types`: types of other makers, with advice for operators.
- `result`: a server's SecurityResult.
- `vnc_auth`: VNC authentication.
- `tight`: the security type Tight.
- `vencrypt`: VeNCrypt: TLS within RFB.
- `sasl`: SASL within VeNCrypt.
- `scram`: the mechanisms that prove a password.
- `viewer_login`: the handshake with a viewer that logs in by VeNCrypt.
- `server_init`: ClientInit and ServerInit.
- `pixels`: pixel formats.
- `pieces`: pieces of a stream of messages.
- `client_messages`: a viewer's messages after the handshake.
- `encodings`: the numbers of encodings.
- `server_messages`: a server's messages after the handshake, by their length.
"""
