"""A pump with TLS: OpenSSL works on memory buffers, the pump on the socket.

The TLS connection is that of Twisted's layer, with its handshake done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from OpenSSL.SSL import Error, SysCallError, WantReadError, ZeroReturnError
from twisted.internet.error import ConnectionDone, ConnectionLost

from ..leg import Leg
from .detach import Detached, drain
from .dispatcher import HEAD_ROOM, Dispatcher
from .pump import FramingType, Pump

CHUNK = 65536
"""Bytes encrypted or decrypted at once, which bounds OpenSSL's memory buffers."""

RECORD = 16384
"""Largest plaintext of a TLS record (RFC 8446 section 5.1)."""


class TLSPump(Pump):
    """One side of a joined pair, with TLS."""

    __slots__ = ("_tls",)

    def __init__(
        self,
        leg: Leg,
        framing_type: FramingType,
        detached: Detached,
        dispatcher: Dispatcher,
        seconds: Callable[[], float],
    ) -> None:
        super().__init__(leg, framing_type, detached, dispatcher, seconds)
        self._tls = detached.tls

    def _receive(self) -> None:
        view = self._dispatcher.view
        try:
            size = self._socket.recv_into(view[:CHUNK])
        except BlockingIOError:
            return
        if not size:
            self._disconnect(ConnectionLost("closed without a TLS close alert"))
            return
        self._update_priority(size)
        self._tls.bio_write(view[:size])
        end, ended = self._decrypt()
        if end > HEAD_ROOM:
            self._pass_on(HEAD_ROOM, end)
        self._send_encrypted()
        if ended is not None:
            self._disconnect(ended)

    def _decrypt(self) -> tuple[int, Exception | None]:
        """Decrypt all received records into the dispatcher's buffer.

        Returns:
            The end of the plaintext, and the reason for the end of the connection, if it has ended.
        """
        view, end = self._dispatcher.view, HEAD_ROOM
        try:
            while True:
                end += self._tls.recv_into(view[end : end + RECORD])
        except WantReadError:
            return end, None
        except ZeroReturnError:
            self._send_close_alert()
            return end, ConnectionDone()
        except (Error, SysCallError) as e:
            return end, ConnectionLost(f"TLS failed: {e}")

    def _send(self, data: memoryview) -> None:
        for start in range(0, len(data), CHUNK):
            try:
                self._tls.sendall(data[start : start + CHUNK])
            except Error as e:
                self._disconnect(ConnectionLost(f"TLS failed: {e}"))
                return
            self._send_encrypted()

    def _send_encrypted(self) -> None:
        encrypted = drain(self._tls)
        if encrypted and self._fd >= 0:
            super()._send(memoryview(encrypted))

    def loseConnection(self) -> None:
        """Send a close alert, and close after the pending bytes are sent."""
        if self._fd >= 0:
            self._send_close_alert()
            self._send_encrypted()
        super().loseConnection()

    def _send_close_alert(self) -> None:
        with suppress(Error):
            self._tls.shutdown()

    def finish_sending(self) -> None:
        """Close: TLS has no half-close."""
        self.loseConnection()
