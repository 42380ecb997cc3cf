"""The limits of one proxy, and of the duration of each step of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from annotated_types import Ge, Gt, Le

from .units import Seconds

LONGEST_WAIT: Final = 3600.0
"""Seconds that a session may wait for consent and approval, at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one proxy; the log line of a refusal names the limit that was reached.

    Attributes:
        header_bytes: size of a request's header.
        header_time: seconds for a request's header to arrive.
        login_time: seconds that a user has to enter a token in a native viewer.
        keep_alive: seconds that a connection waits for its next request.
        connections: open connections of users in all, those of sessions among them.
        connections_per_address: the same per client address; of IPv6, per /64 network.
        refusals: refused requests for consoles per client address, beyond which further ones are
            answered 429 and not logged.
        refusals_per_minute: how many of them cease to count in a minute.
        sessions: open sessions in this process: a worker has an equal part of what is configured.
        sessions_per_address: open sessions per client address; of IPv6, per /64 network. This and
            the next two count the sessions of all proxies that share a token store.
        sessions_per_vm: open sessions per virtual machine.
        sessions_per_user: open sessions per user of tokens; 0 for any number.
        one_session_per_user: whether a user's new session ends all others of the same user, instead
            of being refused.
        bandwidth_per_user: bytes in a second to all viewers of a user in this process, at least
            `LEAST_BANDWIDTH`; 0 for any number.
        openings: sessions that are opening at the same time: until they show a console, or for a
            second after their token is redeemed.
        waiting: sessions that may wait to open.
    """

    header_bytes: Annotated[int, Ge(1024)] = 16384
    header_time: Seconds = 10.0
    login_time: Seconds = 120.0
    keep_alive: Seconds = 10.0
    connections: Annotated[int, Ge(1)] = 2000
    connections_per_address: Annotated[int, Ge(1)] = 150
    refusals: Annotated[int, Ge(1)] = 50
    refusals_per_minute: Annotated[float, Gt(0)] = 30.0
    sessions: Annotated[int, Ge(1)] = 1000
    sessions_per_address: Annotated[int, Ge(1)] = 50
    sessions_per_vm: Annotated[int, Ge(1)] = 10
    sessions_per_user: Annotated[int, Ge(0)] = 0
    one_session_per_user: bool = False
    bandwidth_per_user: Annotated[int, Ge(0)] = 0
    openings: Annotated[int, Ge(1)] = 64
    waiting: Annotated[int, Ge(0)] = 256


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step of a session may take, in seconds.

    Attributes:
        waiting: until a session may open, while too many others are opening.
        locate: locating the console by its backend.
        connect: name resolution and connection to the console.
        handshake: the handshakes with the console's server.
        greeting: the RFB greeting with the user's viewer.
        approval: until a user has accepted the text of a banner, and others have approved.
        ping_interval: between two WebSocket pings; 0 sends none.
        ping_timeout: silence after a ping after which a connection counts as lost.
        linger: sending the remaining bytes when a session ends.
    """

    waiting: Seconds = 5.0
    locate: Seconds = 10.0
    connect: Seconds = 5.0
    handshake: Seconds = 10.0
    greeting: Seconds = 30.0
    approval: Annotated[Seconds, Le(LONGEST_WAIT)] = 900.0
    ping_interval: Annotated[float, Ge(0)] = 25.0
    ping_timeout: Seconds = 60.0
    linger: Seconds = 5.0
