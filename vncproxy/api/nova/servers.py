"""Machines of all backends as servers: their ids, and how one is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from ...errors import BackendError, VNCProxyError
from ...model import VMAddress, VMPatterns, VMSummary
from ..caller import Caller
from ..machine_lists import MachineLists
from .faults import Fault
from .owners import MachineOwners

NAMESPACE: Final = UUID("6f2d5d52-6f0e-4f5c-9a35-7a3c1f3e0b11")
"""Of the ids of machines that have no UUID. It never changes: clients keep ids."""

REMEMBERED: Final = 3.0
"""Seconds for which lists are reused: a client reads a server before it asks for its console."""

_STATUS: Final = {
    "running": "ACTIVE",
    "active": "ACTIVE",
    "powered on": "ACTIVE",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "shut off": "SHUTOFF",
    "stopped": "SHUTOFF",
    "halted": "SHUTOFF",
    "powered off": "SHUTOFF",
}
"""Nova's status for states as backends tell them."""


Machines = tuple[frozenset[str], VMPatterns, bool]
"""What decides which machines a caller sees."""

NOBODY: Final = Caller("", frozenset(), frozenset())
"""A caller without rights."""


@dataclass(frozen=True, slots=True)
class Server:
    """A machine as a server: the UUID by which clients know it, and what a list shows of it.

    Attributes:
        granted: the caller that found it, with what it may do with this machine.
    """

    id: str
    machine: VMSummary
    granted: Caller = NOBODY

    @property
    def status(self) -> str:
        """The state as one of Nova's words."""
        return _STATUS.get(self.machine.state.lower(), "UNKNOWN")

    def brief(self) -> dict[str, object]:
        """Return an entry of ``GET /servers``."""
        return {"id": self.id, "name": self.machine.name, "links": []}

    def detail(self) -> dict[str, object]:
        """Return the body of ``GET /servers/{id}``, and an entry of ``GET /servers/detail``."""
        return {
            **self.brief(),
            "status": self.status,
            "OS-EXT-STS:vm_state": self.machine.state,
            "metadata": {"vncproxy:vm": str(self.machine.vm)},
        }


def server_id(vm: VMAddress) -> str:
    """Return a machine's own UUID, or one that is made from its address."""
    return _uuid(vm.vm) or str(uuid5(NAMESPACE, str(vm)))


def _uuid(text: str) -> str:
    """Return a UUID with dashes in lower case; empty when a text is none."""
    try:
        return str(UUID(text)) if len(text) in (32, 36) else ""
    except ValueError:
        return ""


class Servers:
    """The machines that a caller may touch, as servers.

    Args:
        lists: the machines of all backends.
        owners: whose they are.
        seconds: a monotonic clock.
    """

    def __init__(
        self, lists: MachineLists, owners: MachineOwners, seconds: Callable[[], float]
    ) -> None:
        self._lists = lists
        self._owners = owners
        self._seconds = seconds
        self._recent: dict[Machines, tuple[float, _Lists]] = {}

    async def named(self, caller: Caller, text: str) -> Sequence[Server]:
        """Return the servers with a text in their names, sorted by id; clients compare exactly.

        Raises:
            BackendError: a backend's machines are not known. Without them another machine of the
                same name would be taken for the one that is meant.
        """
        lists = await self._read(caller, fresh=True)
        if lists.failures:
            raise lists.failures[0]
        found = [each for each in lists.servers if text in each.machine.name]
        return sorted(await self._granted(caller, found), key=lambda each: each.id)

    async def find(self, caller: Caller, given: str) -> Server:
        """Return the server with an id.

        Args:
            given: the server's UUID; ``<backend>/<id>``; or the machine's id in its backend.

        Raises:
            Fault: 404, there is none for this caller; 409, there are several.
            BackendError: there is none, and a backend's machines are not known.
        """
        lists = await self._read(caller)
        found = await self._granted(caller, lists.with_id(given))
        if not found and not lists.fresh:
            lists = await self._read(caller, fresh=True)
            found = await self._granted(caller, lists.with_id(given))
        if len(found) > 1:
            raise _ambiguous(given, found)
        if not found and lists.failures:
            raise lists.failures[0]
        if not found:
            raise not_found(given)
        if lists.failures and given not in (found[0].id, str(found[0].machine.vm)):
            raise lists.failures[0]  # there may be another machine with this id
        return found[0]

    async def _granted(self, caller: Caller, servers: Sequence[Server]) -> list[Server]:
        granted = await self._owners.granted(caller, [each.machine for each in servers])
        pairs = zip(servers, granted, strict=True)
        return [Server(server.id, *each) for server, each in pairs if each is not None]

    async def _read(self, caller: Caller, *, fresh: bool = False) -> _Lists:
        now = self._seconds()
        read_at, known = self._recent.get(_machines(caller), (0.0, None))
        if known is not None and not fresh and now - read_at < REMEMBERED:
            return known
        lists = _Lists.of((await self._lists.read(caller)).items())
        self._forget()
        self._recent[_machines(caller)] = now, lists.remembered()
        return lists

    def _forget(self) -> None:
        """Drop what is reused no more."""
        oldest = self._seconds() - REMEMBERED
        self._recent = {m: each for m, each in self._recent.items() if each[0] > oldest}


def _machines(caller: Caller) -> Machines:
    return caller.backends, caller.vms, caller.match_names


@dataclass(frozen=True, slots=True)
class _Lists:
    """The servers of several backends.

    Attributes:
        failures: the errors of the backends that could not be listed.
        fresh: whether they were read for this request.
    """

    servers: Sequence[Server]
    failures: Sequence[BackendError]
    fresh: bool = True

    @classmethod
    def of(cls, lists: Iterable[tuple[str, Sequence[VMSummary] | VNCProxyError]]) -> _Lists:
        servers: list[Server] = []
        failures = []
        for name, result in lists:
            if isinstance(result, VNCProxyError):
                sentence = f"The machines of the backend {name!r} could not be listed."
                failures.append(BackendError(str(result), public=sentence))
            else:
                servers += [Server(server_id(machine.vm), machine) for machine in result]
        return cls(servers, failures)

    def remembered(self) -> _Lists:
        return _Lists(self.servers, self.failures, fresh=False)

    def with_id(self, given: str) -> Sequence[Server]:
        """Return the servers that an id may mean."""
        uuid = _uuid(given) or given
        return [s for s in self.servers if given in _ids(s) or s.id == uuid]


def _ids(server: Server) -> tuple[str, str]:
    return server.machine.vm.vm, str(server.machine.vm)


def not_found(given: str) -> Fault:
    """Return Nova's answer for a server that does not exist, or that the caller may not see."""
    return Fault(404, f"Instance {given[:255]} could not be found.")


def _ambiguous(given: str, found: Sequence[Server]) -> Fault:
    choice = " or ".join(sorted(str(server.machine.vm) for server in found))
    return Fault(409, f"The id {given} is not unique: write {choice}.")
