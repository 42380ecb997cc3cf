"""An ESXi host's console door: a web socket over TLS that opens once for each ticket.

It is as strict as a host may be: only ``/ticket/…``, only the subprotocol ``binary``, only tickets
that the simulated vSphere gave for this very host, each of them once. Behind it is a VNC server
without a password. Run as a program, it is the door; ``WebMKS`` starts that program.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, serverFromString
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from .libvirt_host import until
from .ports import free_port

_PATH = "/ticket/"


class Door(WebSocketServerProtocol):
    """One connection of a proxy."""

    factory: Doors

    def __init__(self) -> None:
        super().__init__()
        self._screen: Screen | None = None
        self._early: list[bytes] = []

    def onConnect(self, request: ConnectionRequest) -> str:
        """Accept a web socket whose ticket is valid."""
        if request.protocols != ["binary"]:
            raise ConnectionDeny(400, "subprotocol")
        if not request.path.startswith(_PATH) or not self.factory.redeem(
            request.path.removeprefix(_PATH)
        ):
            raise ConnectionDeny(403, "ticket")
        return "binary"

    def onOpen(self) -> None:
        """Connect to the screen."""
        where = HostnameEndpoint(self.factory.reactor, "127.0.0.1", self.factory.vnc_port)
        connectProtocol(where, Screen(self)).addCallbacks(self._connected, self._failed)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Forward the proxy's bytes to the VNC server."""
        if not isBinary:
            self.sendClose(1003)
        elif self._screen is None:
            self._early.append(payload)
        else:
            self._screen.transport.write(payload)  # type: ignore[union-attr]

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Hang up."""
        if self._screen is not None and self._screen.transport is not None:
            self._screen.transport.loseConnection()

    def _connected(self, screen: Screen) -> None:
        self._screen = screen
        assert screen.transport is not None
        screen.transport.writeSequence(self._early)

    def _failed(self, _why: Failure) -> None:
        self.sendClose(1011)


class Screen(Protocol):
    """The connection to the VNC server."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def dataReceived(self, data: bytes) -> None:
        self._door.sendMessage(data, isBinary=True)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._door.sendClose(1000)


class Doors(WebSocketServerFactory):
    """The web sockets of one host.

    Args:
        esx: the host's name.
        journal: of all tickets.
    """

    protocol: Any = Door

    def __init__(self, reactor: Any, esx: str, journal: Path, vnc_port: int) -> None:
        super().__init__(reactor=reactor)
        self.vnc_port = vnc_port
        self._esx = esx
        self._journal = journal
        self._used: set[str] = set()

    def redeem(self, ticket: str) -> bool:
        """Take a ticket, if it is for this host and was not taken before."""
        lines = map(json.loads, self._journal.read_text().splitlines())
        known = any(line["ticket"] == ticket and line["esx"] == self._esx for line in lines)
        if not known or ticket in self._used:
            print("REFUSED", flush=True)
            return False
        self._used.add(ticket)
        print("REDEEMED", flush=True)
        return True


class WebMKS:
    """The console door of an ESXi host, in a process of its own.

    Args:
        esx: the host's name in the simulated vSphere, or what a single host calls itself.
        journal: of all tickets.
        vnc_port: where the screen is, on 127.0.0.1.
        certificate: files of certificate and key.
        address: where it listens.
        port: likewise; a free one when it is 0.
    """

    def __init__(
        self,
        esx: str,
        journal: Path,
        vnc_port: int,
        certificate: tuple[str, str],
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.address, self.port = address, port or free_port()
        self.certificate = certificate[0]
        file, key = certificate
        listen = f"ssl:{self.port}:interface={address}:certKey={file}:privateKey={key}"
        self._log = Path(tempfile.mkstemp(prefix="webmks-")[1])
        command = [sys.executable, "-m", __name__, listen, esx, str(journal), str(vnc_port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[2]
            )
        until(lambda: "READY" in self._text(), f"the door, see {self._log}")

    def ticket_target(self, **more: Any) -> dict[str, Any]:
        """Return the fields of tickets for this host."""
        return {"Host": self.address, "Port": self.port, "Certificate": self.certificate, **more}

    def redeemed(self) -> int:
        """Count the tickets that opened the door."""
        return self._text().splitlines().count("REDEEMED")

    def refused(self) -> int:
        """Count the tickets that did not."""
        return self._text().splitlines().count("REFUSED")

    def stop(self) -> None:
        """Stop it; harmless when it does not run."""
        self._process.terminate()
        self._process.wait(60)
        self._log.unlink(missing_ok=True)

    def _text(self) -> str:
        return self._log.read_text(errors="replace")


def main() -> None:
    """Be the door."""
    from twisted.internet import reactor

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("listen")
    parser.add_argument("esx")
    parser.add_argument("journal", type=Path)
    parser.add_argument("vnc_port", type=int)
    options = parser.parse_args()
    doors = Doors(reactor, options.esx, options.journal, options.vnc_port)
    listening = serverFromString(reactor, options.listen).listen(doors)
    listening.addCallbacks(lambda _: print("READY", flush=True), lambda why: why.printTraceback())
    reactor.run()


if __name__ == "__main__":
    main()
