"""What blocking code reaches when it dials, without a network."""

from __future__ import annotations

import socket
from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.addresses import parse_ip

Address = tuple[str, int]
Answer = Exception | None

RESOLVED = "192.0.2.1"
"""The address of every host name."""


class Network:
    """Answers `socket.create_connection` for the rest of a test.

    Attributes:
        answers: what dialling an address raises, one time after the other, the last one for
            ever; None and addresses that are missing are connected.
        dialled: the addresses, in the order in which they were dialled.
    """

    def __init__(self, case: SynchronousTestCase) -> None:
        self.answers: dict[Address, list[Answer]] = {}
        self.dialled: list[Address] = []
        case.patch(socket, "create_connection", self.connect)

    def connect(self, address: Address, timeout: float | None = None) -> socket.socket:
        """Dial an address."""
        self.dialled.append(address)
        if error := self._next(address):
            raise error
        return cast(socket.socket, _Connection(address))

    def _next(self, address: Address) -> Answer:
        answers = self.answers.get(address, [None])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class _Connection:
    def __init__(self, address: Address) -> None:
        host, port = address
        self._peer = (host if parse_ip(host) else RESOLVED, port)

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def getpeername(self) -> Address:
        return self._peer
