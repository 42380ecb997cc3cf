"""Messages between supervisor and worker: one JSON object a line, over a pair of unix sockets.

The supervisor's have a member ``do``, those of workers a member ``is``. Both sides ignore what they
do not know, since after an upgrade they can be of different versions.

===========  ====================================================================================
do           further members
===========  ====================================================================================
serve        begin to listen
ping         ``room``: whether another worker takes sessions
room         the same, at once, since it has changed; no answer
prepare      ``id``, ``text``: read and check this configuration
apply        ``id``: put the configuration in force that was prepared
discard      ``id``: forget it
reopen       open the audit file again
retire       stop accepting, and end with the last session, or when ``drain_timeout`` is over
drain        take no sessions, as the others of a proxy that was drained
forget       ``id``, ``worker``: end the announcement of a process that has ended, by its id
stop         end all sessions, and the process; SIGTERM is for a stop that lets sessions move
===========  ====================================================================================

===========  ====================================================================================
is           further members
===========  ====================================================================================
ready        ``worker`` (its id), ``version``, ``workers`` (how many the configuration wants),
             ``stop_seconds`` (how long a stop may take), ``drain_timeout``, ``log`` (its ``format``
             and ``level``), ``digest`` of the configuration
failed       ``errors``: why it cannot start; its process ends
alive        ``sessions``, ``room``: whether it takes more, ``draining``: whether the proxy was
             drained; the answer to ``ping``
full         it takes no more sessions, at once
drained      the proxy is drained, at once
forgotten    ``id``; the answer to ``forget``
prepared     ``id``, ``errors``: empty when it can be applied
applied      ``id``, ``changes``, ``errors``: empty unless it could not be applied, and what
             ``ready`` has but ``version`` and ``worker``
===========  ====================================================================================
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

Message = dict[str, Any]


class Channel(LineOnlyReceiver):
    """One end of the connection.

    Args:
        receive: called with each message.
        lost: called when the other side has closed it, or has ended.
    """

    log = Logger()
    delimiter = b"\n"
    MAX_LENGTH = 2**24
    """Bytes of a message, which may hold a configuration file."""

    def __init__(self, receive: Callable[[Message], None], lost: Callable[[], None]) -> None:
        self._receive = receive
        self._lost = lost

    def send_message(self, **message: Any) -> None:
        """Send a message; one to a side that has gone is lost."""
        if self.transport is not None and self.connected:
            self.transport.write(json.dumps(message).encode() + b"\n")

    def lineReceived(self, line: bytes) -> None:
        """Handle a message; an error in it must not end the connection."""
        try:
            self._receive(json.loads(line))
        except Exception:  # noqa: BLE001
            self.log.failure("a message between supervisor and worker was not understood")

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Report the end."""
        self._lost()


class _Once(Factory):
    """Builds the protocol of a connection that exists already."""

    noisy = False

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def buildProtocol(self, addr: IAddress | None) -> Channel:
        return self._channel


def open_channel(channel: Channel, descriptor: int, reactor: Any) -> Channel:
    """Connect a channel by a descriptor, which is closed; returns the channel."""
    os.set_blocking(descriptor, False)
    reactor.adoptStreamConnection(descriptor, socket.AF_UNIX, _Once(channel))
    os.close(descriptor)
    return channel


def send_blocking(descriptor: int, **message: Any) -> None:
    """Send a message without a reactor, before the process ends."""
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]
