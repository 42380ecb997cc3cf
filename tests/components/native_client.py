"""A native viewer that blocks: VeNCrypt with X509Plain over a socket, then raw pixels."""

from __future__ import annotations

import socket
import ssl
import struct

from .viewer import TIME_LIMIT, Refused, Viewer

X509_PLAIN = struct.pack(">I", 262)


def negotiate(port: int, before: bytes = b"") -> socket.socket:
    """Connect to a listener, and return the socket on which TLS is to start.

    Args:
        before: bytes in front of everything else: a PROXY header.
    """
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIME_LIMIT)
    connection.sendall(before)
    viewer = Viewer(connection)
    for expected, answer in (
        (b"RFB 003.008\n", b"RFB 003.008\n"),
        (b"\x02\x13\x01", b"\x13"),
        (b"\0\x02", b"\0\x02"),
        (b"\0\x01" + X509_PLAIN, X509_PLAIN),
        (b"\x01", b""),
    ):
        found = viewer.read(len(expected))
        assert found == expected, found
        connection.sendall(answer)
    return connection


def start_tls(connection: socket.socket, ca_file: str) -> ssl.SSLSocket:
    """Start TLS, and verify the certificate for localhost."""
    context = ssl.create_default_context(cafile=ca_file)
    return context.wrap_socket(connection, server_hostname="localhost")


def log_in(connection: socket.socket, token: str, name: str = "alice") -> Viewer:
    """Log in on a connection with TLS, and return a viewer whose console is open.

    Raises:
        Refused: the login failed, with the reason.
    """
    user, password = name.encode(), token.encode()
    connection.sendall(struct.pack(">II", len(user), len(password)) + user + password)
    viewer = Viewer(connection)
    if viewer.read(4) != bytes(4):
        raise Refused(viewer.read(int.from_bytes(viewer.read(4), "big")).decode())
    viewer.initialise()
    return viewer
