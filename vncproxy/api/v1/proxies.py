"""The proxies over HTTP, each with its workers, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from twisted.logger import Logger

from ...answers import Draining, Proxy, ProxyList, ProxyWarning, Worker, ZoneLinks
from ...errors import Forbidden
from ...interfaces import IProxies
from ...model import Announcement, LinkState
from ...model.differences import SAME_NAME, Difference, differences
from ...text import printable
from ..caller import Caller
from ..reply import Refusal, Reply
from .bodies import timestamp, with_unconfirmed


class ProxiesView:
    """The routes of proxies."""

    log = Logger()

    def __init__(self, proxies: IProxies) -> None:
        self._proxies = proxies

    async def list(self, caller: Caller) -> Reply[ProxyList]:
        """Return all proxies, by name.

        A caller that may not touch every backend sees the backends that it may touch, and neither
        how busy the proxies are nor how they are configured.

        Raises:
            StoreUnavailable: they cannot be asked for.
        """
        return Reply(200, proxies_body(await self._proxies.workers(), caller))

    async def drain(self, caller: Caller, proxy: str) -> Reply[Draining]:
        """Let a proxy take no new sessions, and move or end those that it has; 202 or 207.

        Args:
            proxy: its name or id; all proxies of the name drain.

        Raises:
            Refusal: 404, there is none; 403, the caller may not touch every backend.
            StoreUnavailable: the proxies cannot be reached.
        """
        _unrestricted(caller)
        workers = [each.identity for each in await self._proxies.workers()]
        count = sum(proxy in (each.proxy_id, each.name) for each in workers)
        if not count:
            raise Refusal(404, "proxy-unknown", "there is no such proxy")
        late = (await self._proxies.drain(proxy, by=str(caller))).unconfirmed
        self.log.info(
            "api {kind} {key} drains proxy {proxy}",
            kind=caller.kind,
            key=caller.name,
            proxy=printable(proxy),
        )
        return with_unconfirmed(202, Draining(draining=count - len(late)), late)


def proxies_body(workers: Sequence[Announcement], caller: Caller) -> ProxyList:
    """Return what a caller may know of all proxies.

    Args:
        workers: those of one proxy in a row.
    """
    return {
        "proxies": [
            _proxy_body(list(group), caller)
            for _, group in groupby(workers, key=lambda each: each.identity.proxy_id)
        ],
        "warnings": [
            _warning_body(each)
            for each in differences(workers)
            if each.code == SAME_NAME or caller.may_touch(each.subject)
        ],
    }


def _unrestricted(caller: Caller) -> None:
    if not caller.unrestricted:
        message = f"the {caller} is limited to some machines; a proxy serves all of them"
        raise Refusal(Forbidden.status, Forbidden.code, message)


def _proxy_body(workers: Sequence[Announcement], caller: Caller) -> Proxy:
    newest = max(workers, key=lambda each: each.identity.generation)
    identity = newest.identity
    asks = [zone for zone in newest.asks if caller.may_touch(zone)]
    body: Proxy = {
        "id": identity.proxy_id,
        "name": identity.name,
        "zone": identity.zone or None,
        "version": newest.version,
        "base_url": newest.base_url,
        "xvp_url": newest.xvp_url,
        "hosts": list(newest.hosts),
        "serves": None if newest.serves is None else list(newest.serves),
        "backends": {n: d for n, d in newest.backends.items() if caller.may_touch(n)},
        "draining": all(each.draining for each in workers),
    }
    if asks:
        body["asks"] = asks
    if caller.unrestricted:
        body |= {
            "digest": newest.digest,
            "sessions": sum(each.sessions for each in workers),
            "limits": {"sessions": sum(each.most_sessions for each in workers)},
            "workers": [_worker_body(each) for each in workers],
        }
        if newest.accepts:
            body["accepts"] = list(newest.accepts)
        if links := _links_body(workers):
            body["links"] = links
    return body


def _links_body(workers: Sequence[Announcement]) -> dict[str, ZoneLinks]:
    """Return the links of all processes together, by the zone."""
    found: dict[str, list[LinkState]] = {}
    for worker in workers:
        for zone, state in worker.links.items():
            found.setdefault(zone, []).append(state)
    return {zone: _link_body(states) for zone, states in sorted(found.items())}


def _link_body(states: Sequence[LinkState]) -> ZoneLinks:
    standing = [state for state in states if state.count]
    moments = [state.since for state in standing or states if state.since is not None]
    since = (min if standing else max)(moments, default=None)
    problem = next((state.problem for state in states if state.problem), None)
    return {
        "dial": states[0].dial,
        "count": sum(state.count for state in states),
        "since": None if since is None else timestamp(since),
        "problem": problem,
    }


def _worker_body(worker: Announcement) -> Worker:
    identity = worker.identity
    return {
        "id": identity.worker_id,
        "worker": identity.worker,
        "generation": identity.generation,
        "version": worker.version,
        "sessions": worker.sessions,
        "limits": {"sessions": worker.most_sessions},
        "draining": worker.draining,
        "started_at": timestamp(worker.started_at),
        "refusals": dict(sorted(worker.refusals.items())),
    }


def _warning_body(difference: Difference) -> ProxyWarning:
    return {
        "code": difference.code,
        "backend": None if difference.code == SAME_NAME else difference.subject,
        "proxies": [{"id": id_, "name": name} for id_, name in difference.proxies],
        "message": str(difference),
    }
