"""What a process tells of itself to all proxies that share a Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .identity import Identity
from .units import UnixTime


@dataclass(frozen=True, slots=True)
class LinkState:
    """The links between a process and a zone, of which one cannot dial the other.

    Attributes:
        dial: ``us`` where they are dialled from here, ``them`` where they are dialled from there.
        count: how many stand.
        since: when the first of them was made, or the last one lost; None where there was none.
        problem: why no link could be made; a fact for operators.
    """

    dial: str
    count: int
    since: UnixTime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One process of a proxy, as it is at the moment.

    Attributes:
        version: of the program.
        base_url: where browsers reach the proxy.
        xvp_url: where TCP viewers reach it.
        hosts: the names in these URLs.
        backends: a digest of each backend's table, without its secrets, by the backend's name.
        digest: of the whole configuration, without its secrets.
        sessions: sessions that are live now.
        most_sessions: how many there may be.
        draining: whether it takes no new ones because it is stopping.
        started_at: when it was started, by its own clock.
        serves: the hosts whose machines it shows, by their names; None for those of every host.
        asks: the zones whose consoles can be opened through it, by their names.
        accepts: the zones that may ask it, likewise.
        links: the links with zones, by their names.
        refusals: what it has refused since its start, by the code of the reason.
        tunnel_port: where it takes tunnels that reached other processes: host, port and the
            fingerprint of its certificate; empty where it takes none.
    """

    identity: Identity
    version: str = ""
    base_url: str = ""
    xvp_url: str = ""
    hosts: tuple[str, ...] = ()
    backends: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    sessions: int = 0
    most_sessions: int = 0
    draining: bool = False
    started_at: UnixTime = 0.0
    serves: tuple[str, ...] | None = None
    asks: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    links: Mapping[str, LinkState] = field(default_factory=dict)
    tunnel_port: str = ""
    refusals: Mapping[str, int] = field(default_factory=dict)
