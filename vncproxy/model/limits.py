"""How much one proxy takes on, and how long each step of a session may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from .units import Seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one proxy takes on; each refusal names the limit that was reached.

    Attributes:
        header_bytes: size of a request's header.
        header_time: seconds for a request's header to arrive.
        keep_alive: seconds that a connection waits for its next request.
        connections: open connections of users in all, those of sessions among them.
        connections_per_address: the same per client address; of IPv6, per /64 network.
        refusals: refused requests for consoles per client address, after which further ones get a
            short answer and no line in the log.
        refusals_per_minute: how many of them are forgotten in a minute.
        sessions: open sessions in all.
        sessions_per_address: open sessions per client address.
        sessions_per_vm: open sessions per virtual machine.
        openings: sessions that begin at the same time, until they show a console, or for a second
            after their token is redeemed.
        waiting: users who may wait for their turn to begin.
    """

    header_bytes: Annotated[int, Ge(1024)] = 16384
    header_time: Seconds = 10.0
    keep_alive: Seconds = 10.0
    connections: Annotated[int, Ge(1)] = 2000
    connections_per_address: Annotated[int, Ge(1)] = 150
    refusals: Annotated[int, Ge(1)] = 50
    refusals_per_minute: Annotated[float, Gt(0)] = 30.0
    sessions: Annotated[int, Ge(1)] = 1000
    sessions_per_address: Annotated[int, Ge(1)] = 50
    sessions_per_vm: Annotated[int, Ge(1)] = 10
    openings: Annotated[int, Ge(1)] = 64
    waiting: Annotated[int, Ge(0)] = 256


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step of a session may take, in seconds.

    Attributes:
        waiting: for a turn to begin, while too many users come at once.
        locate: asking the backend where the console is.
        connect: name resolution and connection to the console.
        handshake: the handshakes with the console's server.
        greeting: the RFB greeting with the user's viewer.
        ping_interval: between two WebSocket pings; 0 sends none.
        ping_timeout: silence after a ping that counts as a lost connection.
        linger: how long the last bytes may take to leave when a session ends.
    """

    waiting: Seconds = 5.0
    locate: Seconds = 10.0
    connect: Seconds = 5.0
    handshake: Seconds = 10.0
    greeting: Seconds = 30.0
    ping_interval: Annotated[float, Ge(0)] = 25.0
    ping_timeout: Seconds = 60.0
    linger: Seconds = 5.0
