"""Which proxy shows a machine's console: for new links, and for those that came too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..errors import BackendError, ConsoleUnavailable, VMNotFound, VNCProxyError
from ..interfaces import IConsoleBackend, IMachineFinder, IMachineIds, IProxies
from ..model import Announcement, ConsoleType, Identity, MachineHost, VMAddress
from ..tokens.issuing import MOST_HOPS
from ..tokens.refusals import NoProxyForHost
from .candidates import Candidate, candidates, nearest, this_one, why_none
from .peer import Peer
from .sighting import Sightings

REMEMBERED = 5.0
"""Seconds for which it is remembered that every proxy serves every host."""


@dataclass(frozen=True, slots=True)
class Way:
    """A proxy that shows the console of a machine.

    Attributes:
        urls: where users reach it, by the type of their viewers; empty for a peer, which says so
            with the token that it issues.
        name: of the proxy, or of the peer.
        peer: what issues tokens for it; None for a proxy that shares ours.
        running: whether it is asked only for a machine that is on.
    """

    urls: Mapping[ConsoleType, str]
    name: str
    peer: Peer | None = None
    running: bool = False


class Directory:
    """Knows the proxies, and finds those that show a machine.

    As long as every proxy serves every host, links lead to this proxy and nothing is asked.

    Args:
        me: this process.
        proxies: all proxies that share our tokens.
        finder: asks those; None where there are none.
        clock: for time limits.
    """

    log = Logger()

    def __init__(
        self,
        me: Identity,
        proxies: IProxies,
        finder: IMachineFinder | None,
        clock: IReactorTime,
    ) -> None:
        self._me = me
        self._proxies = proxies
        self._finder = finder
        self._clock = clock
        self._all_at: float | None = None
        self.configure({}, {}, ())

    def configure(
        self,
        urls: Mapping[ConsoleType, str],
        backends: Mapping[str, IConsoleBackend],
        peers: Sequence[Peer],
    ) -> None:
        """Use other settings.

        Args:
            urls: where users reach this proxy, by the type of their viewers.
            backends: of this proxy, by name.
            peers: proxies that have tokens of their own.
        """
        self._own = Way(urls, self._me.name)
        self._backends = backends
        self._sightings = Sightings(backends, self._finder, self._clock)
        self._peers = peers
        self._all_at = None

    @property
    def own_urls(self) -> Mapping[ConsoleType, str]:
        """Where users reach this proxy, by the type of their viewers."""
        return self._own.urls

    async def here(self, vm: VMAddress) -> MachineHost | None:
        """Return the host of a machine as this proxy's backend knows it, for other proxies.

        Raises:
            VNCProxyError: there is no such machine, or the backend fails.
        """
        return await self._sightings.here(vm)

    async def ways(
        self, vm: VMAddress, *, hops: int = 0, running: bool = False
    ) -> tuple[Sequence[Way], bool]:
        """Return where a link for a machine may lead, the best first, and whether it was seen.

        Args:
            hops: how many proxies the request has come by; the machine must be known to exist then.
            running: whether the machine must be on.

        Raises:
            VMNotFound: there is no such machine.
            ConsoleUnavailable: it is not on.
            NoProxyForHost: no proxy shows it now.
            StoreUnavailable: the proxies are not known.
        """
        workers, peers = await self._workers(), self._peers if hops < MOST_HOPS else ()
        if not (workers or self._peers or hops):
            return [self._own], False
        found = candidates(workers or await self._proxies.workers())
        host, problem = await self._sight(vm)
        if running and host is not None and not host.runs:
            raise ConsoleUnavailable("not on")
        chosen = nearest(found, vm.backend, host, self._me)
        if host is None and problem is None:
            chosen = chosen or this_one(found, vm.backend, self._me)
        elif problem is not None and (hops or running):
            chosen = None
        ways = self._ordered(vm, host, problem, chosen, peers)
        if not ways:
            raise problem or NoProxyForHost(why_none(found, vm.backend, host))
        return ways, host is not None

    async def elsewhere(self, vm: VMAddress) -> Sequence[Way]:
        """Return the other proxies that may show a machine which this one cannot show.

        Raises:
            VNCProxyError: it is not known where the machine is, or which proxies there are.
        """
        workers = await self._workers()
        if not (workers or self._peers):
            return ()
        host, problem = await self._sight(vm)
        if host is None or not host.runs:
            return [_by(each) for each in self._able_to_find(vm)]
        chosen = nearest(candidates(workers), vm.backend, host, self._me)
        if chosen is not None and chosen.identity.proxy_id == self._me.proxy_id:
            chosen = None
        return self._ordered(vm, host, problem, chosen, self._peers)

    def _ordered(
        self,
        vm: VMAddress,
        host: MachineHost | None,
        problem: VNCProxyError | None,
        chosen: Candidate | None,
        peers: Sequence[Peer],
    ) -> list[Way]:
        """Return a proxy or the peers that serve a host by name, then those that serve every one.

        Args:
            problem: why the host is not known; None where it is, or the backend does not tell.
            chosen: the nearest of the proxies that share our tokens.
        """
        own = [Way(chosen.urls, chosen.identity.name)] if chosen is not None else []
        if host is None:
            unknown = self._able_to_find(vm) if peers and problem is not None else []
            return [*(_by(each) for each in unknown), *own]
        if chosen is not None and chosen.serves_host(host):
            return own if host.runs else [*self._ways_of_moved(vm, chosen, peers), *own]
        serving = [_by(each) for each in peers if each.serves(host)]
        if chosen is not None and not serving:
            self.log.info(
                "{vm} is shown by proxy {proxy}, which serves every host: none serves {host}",
                vm=vm,
                proxy=chosen.identity.name,
                host=", ".join(host.names),
            )
        knowing = [_by(each) for each in peers if each.knows_all and not own]
        return [*serving, *own, *knowing]

    def _ways_of_moved(self, vm: VMAddress, chosen: Candidate, peers: Sequence[Peer]) -> list[Way]:
        """Return the peers on which a machine may run that is defined on our host, and off."""
        if not peers or chosen.identity.proxy_id != self._me.proxy_id:
            return []
        return [Way({}, each.name, each, running=True) for each in self._able_to_find(vm)]

    def _able_to_find(self, vm: VMAddress) -> list[Peer]:
        """Return the peers that are asked for a machine whose host is not known.

        One that shows some hosts only is asked by ids that no tenant can choose: a machine of
        another tenant may have the same name there.
        """
        backend = self._backends.get(vm.backend)
        is_fixed = (
            IMachineIds.providedBy(backend) and IMachineIds(backend).fixed_part(vm.vm) == vm.vm
        )
        able = [each for each in self._peers if each.knows_all or is_fixed]
        return sorted(able, key=lambda each: not each.knows_all)

    async def _sight(self, vm: VMAddress) -> tuple[MachineHost | None, VNCProxyError | None]:
        """Return a machine's host, or why it is not known; neither where no backend can tell."""
        try:
            return await self._sightings.anywhere(vm), None
        except (VMNotFound, BackendError) as e:
            self.log.info("the host of {vm} is not known: {why}", vm=vm, why=e.detail)
            return None, e

    async def _workers(self) -> Sequence[Announcement]:
        """Return the processes of all proxies; none where every proxy serves every host.

        That is read from Redis every `REMEMBERED` seconds at most.
        """
        now = self._clock.seconds()
        if self._all_at is not None and now - self._all_at < REMEMBERED:
            return ()
        workers: Sequence[Announcement] = await self._proxies.workers()
        limited = any(each.serves is not None for each in workers)
        self._all_at = None if limited else now
        return workers if limited else ()


def _by(peer: Peer) -> Way:
    return Way({}, peer.name, peer)
