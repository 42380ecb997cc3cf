"""Proxies as their processes announce them, and which of them shows a machine's console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlsplit

from ..model import Announcement, ConsoleType, Identity, MachineHost


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proxy that may show a console.

    Attributes:
        identity: of one of its processes.
        urls: where users reach it, by the type of their viewers.
        serves: the hosts whose machines it shows; None for those of every host.
        backends: the names of its backends.
        sessions: that it has now.
        refusal: why it takes no new ones, such as ``drains``; empty where it does.
    """

    identity: Identity
    urls: Mapping[ConsoleType, str]
    serves: tuple[str, ...] | None
    backends: frozenset[str]
    sessions: int
    refusal: str = ""

    def serves_host(self, host: MachineHost) -> bool:
        """Tell whether it serves a host by name."""
        return self.serves is not None and host.is_among(self.serves)


def candidates(workers: Iterable[Announcement]) -> list[Candidate]:
    """Return the proxies with these processes; those of one proxy come in a row."""
    groups = groupby(workers, key=lambda each: each.identity.proxy_id)
    return [found for _, group in groups for found in _candidate(list(group))]


def nearest(
    found: Iterable[Candidate], backend: str, host: MachineHost | None, me: Identity
) -> Candidate | None:
    """Return the proxy that shows a machine: one that serves its host, or else every host.

    Of several it is this proxy itself, then one of its zone, then the one with the fewest sessions.

    Args:
        backend: the machine's, which the proxy must have.
        host: the machine's; None where it is not known.
        me: this process.
    """
    able = [each for each in found if backend in each.backends and not each.refusal]
    serving = [each for each in able if host is not None and each.serves_host(host)]
    reaching = [each for each in able if each.serves is None]
    return min(serving or reaching, key=lambda each: _distance(each, me), default=None)


def this_one(found: Iterable[Candidate], backend: str, me: Identity) -> Candidate | None:
    """Return this proxy for a machine of a backend that cannot tell hosts, if it shows any."""
    own = (each for each in found if each.identity.proxy_id == me.proxy_id)
    able = (each for each in own if backend in each.backends and not each.refusal)
    return next((each for each in able if each.serves != ()), None)


def why_none(found: Sequence[Candidate], backend: str, host: MachineHost | None) -> str:
    """Return why `nearest` has found none, in words for the issuer."""
    if host is None or not host.names:
        return f"no proxy serves every host, and the host of the machine in {backend} is not known"
    serving = [each for each in found if each.serves_host(host)]
    if not serving:
        return f"no proxy serves the host {host.names[0]}, and none serves every host"
    reasons = (
        f"the proxy {each.identity.name} {each.refusal or f'has no backend {backend}'}"
        for each in serving
    )
    return f"the host {host.names[0]} has no proxy that takes consoles: {', '.join(reasons)}"


def _distance(proxy: Candidate, me: Identity) -> tuple[bool, bool, int, str, str]:
    who = proxy.identity
    is_other, is_far = who.proxy_id != me.proxy_id, who.zone != me.zone
    return is_other, is_far, proxy.sessions, who.name, who.proxy_id


def _candidate(workers: Sequence[Announcement]) -> Iterator[Candidate]:
    """Yield the proxy of some processes, by the newest of them, unless its URLs are none."""
    newest = max(workers, key=lambda each: each.identity.generation)
    if not (is_url(newest.base_url) and is_url(newest.xvp_url)):
        return
    yield Candidate(
        newest.identity,
        {ConsoleType.NOVNC: newest.base_url, ConsoleType.XVPVNC: newest.xvp_url},
        newest.serves,
        frozenset(newest.backends),
        sum(each.sessions for each in workers),
        _refusal(workers),
    )


def _refusal(workers: Sequence[Announcement]) -> str:
    awake = [each for each in workers if not each.draining]
    if not awake:
        return "drains"
    if not any(each.sessions < each.most_sessions or not each.most_sessions for each in awake):
        return "has as many sessions as it takes"
    return ""


def is_url(text: str) -> bool:
    """Tell whether an announced URL is one that a browser may be sent to."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
