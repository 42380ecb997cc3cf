"""A user with a TCP viewer, who opens the same link again when the console ends."""

from __future__ import annotations

from typing import Any

from .user import User
from .wire import Closed, Wire

USES = 1000
"""Uses of a viewer's link, which has no cookie to come back by."""


class RawWire(Wire):
    """A connection whose bytes are RFB after the HTTP header."""

    def begin_messages(self) -> None:
        """Take what follows the header as it is."""
        self._data, self._raw = self._raw, b""
        self._is_raw = True

    def dataReceived(self, data: bytes) -> None:
        if self._is_raw:
            self._data += data
        else:
            self._raw += data
        self._wake()

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    _is_raw = False


class ViewerUser(User):
    """One user of one console; `User.port` is that of the balancer for TCP viewers."""

    async def _connect(self) -> Wire:
        """Open the tunnel.

        Raises:
            Closed: there is none; with the status as its code where HTTP answered.
        """
        wire = await self._dial(RawWire())
        transport: Any = wire.transport
        transport.write(f"CONNECT /console?token={self.token} HTTP/1.0\r\n\r\n".encode())
        header = await wire.read_header()
        status, _, told = header.partition("\r\n")[0].partition(" ")[2].partition(" ")
        if status != "200":
            raise Closed(int(status), told)
        wire.begin_messages()
        return wire
