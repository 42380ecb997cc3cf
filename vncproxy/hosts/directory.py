"""Which proxy shows a machine's console: for new links, and for those that came too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..errors import BackendError, VMNotFound
from ..interfaces import IConsoleBackend, IMachineFinder, IProxies
from ..model import Announcement, ConsoleType, Identity, MachineHost, VMAddress
from ..tokens.refusals import NoProxyForHost
from .candidates import Candidate, candidates, nearest, why_none
from .sighting import Sightings

REMEMBERED = 5.0
"""Seconds for which it is remembered that every proxy serves every host."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where users reach the console of a machine.

    Attributes:
        urls: of the proxy that shows it, by the type of their viewers.
        proxy: the id of that proxy.
        name: its name.
    """

    urls: Mapping[ConsoleType, str]
    proxy: str
    name: str


class Directory:
    """Knows the proxies, and finds the one that shows a machine.

    As long as every proxy serves every host, links lead to this proxy and nothing is asked.

    Args:
        me: this process.
        urls: where users reach this proxy, by the type of their viewers.
        backends: of this proxy, by name.
        proxies: all proxies.
        finder: asks other proxies; None where there are none.
        clock: for time limits.
    """

    log = Logger()

    def __init__(
        self,
        me: Identity,
        urls: Mapping[ConsoleType, str],
        backends: Mapping[str, IConsoleBackend],
        proxies: IProxies,
        finder: IMachineFinder | None,
        clock: IReactorTime,
    ) -> None:
        self._me = me
        self._proxies = proxies
        self._finder = finder
        self._clock = clock
        self._all_at: float | None = None
        self.configure(urls, backends)

    def configure(
        self, urls: Mapping[ConsoleType, str], backends: Mapping[str, IConsoleBackend]
    ) -> None:
        """Use other URLs of this proxy, and other backends."""
        self._own = Place(urls, self._me.proxy_id, self._me.name)
        self._sightings = Sightings(backends, self._finder, self._clock)
        self._all_at = None

    async def here(self, vm: VMAddress) -> MachineHost | None:
        """Return the host of a machine as this proxy's backend knows it, for other proxies.

        Raises:
            VNCProxyError: there is no such machine, or the backend fails.
        """
        return await self._sightings.here(vm)

    async def place(self, vm: VMAddress) -> Place:
        """Return where a link for a machine leads.

        Raises:
            NoProxyForHost: no proxy shows it now.
            VMNotFound: it does not exist, and no proxy serves every host.
            StoreUnavailable: the proxies are not known.
        """
        workers = await self._workers()
        if not workers:
            return self._own
        found = candidates(workers)
        host = await self._host(vm, found)
        chosen = nearest(found, vm.backend, host, self._me)
        if chosen is None:
            raise NoProxyForHost(why_none(found, vm.backend, host))
        if host is not None and not chosen.serves_host(host):
            why = why_none([each for each in found if each.serves is not None], vm.backend, host)
            self.log.info(
                "{vm} is shown by proxy {proxy}: {why}", vm=vm, proxy=chosen.identity.name, why=why
            )
        return Place(chosen.urls, chosen.identity.proxy_id, chosen.identity.name)

    async def elsewhere(self, vm: VMAddress) -> Place | None:
        """Return the other proxy that shows a machine which this one cannot show; None for none.

        Raises:
            VNCProxyError: it is not known where the machine is, or which proxies there are.
        """
        workers = await self._workers()
        host = await self._sightings.anywhere(vm) if workers else None
        if host is None or not host.runs:
            return None
        chosen = nearest(candidates(workers), vm.backend, host, self._me)
        if chosen is None or chosen.identity.proxy_id == self._me.proxy_id:
            return None
        return Place(chosen.urls, chosen.identity.proxy_id, chosen.identity.name)

    async def _host(self, vm: VMAddress, found: Sequence[Candidate]) -> MachineHost | None:
        """Return a machine's host; None where it is not known and a proxy serves every host."""
        try:
            return await self._sightings.anywhere(vm)
        except (VMNotFound, BackendError) as e:
            if nearest(found, vm.backend, None, self._me) is None:
                raise
            self.log.info("the host of {vm} is not known: {why}", vm=vm, why=e.detail)
            return None

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
