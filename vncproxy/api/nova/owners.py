"""What a caller may do with single machines: by its patterns, and by whose the machines are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred, TimeoutError, gatherResults  # noqa: A004
from twisted.internet.interfaces import IReactorTime

from ...errors import BackendError
from ...interfaces import IConsoleBackend, IMachineOwners
from ...model import Ownership, VMAddress, VMSummary
from ..caller import Caller
from ..permissions import Permissions
from .policies import KeystoneCaller

TIME_LIMIT = 30.0
"""Seconds that a backend may take; its own limits are usually shorter."""

UNKNOWN = Ownership()
"""Of machines whose backend knows no owners."""

Granted = tuple[VMSummary, Caller]
"""A machine by the address that links for it have, and what the caller may do with it."""


class MachineOwners:
    """The owners of machines, asked for only where a caller's policies need them.

    Args:
        backends: by name.
        permissions: which machines match the patterns of a caller.
        clock: for the time limit.
    """

    def __init__(
        self,
        backends: Mapping[str, IConsoleBackend],
        permissions: Permissions,
        clock: IReactorTime,
    ) -> None:
        self._backends = backends
        self._permissions = permissions
        self._clock = clock

    async def granted(
        self, caller: Caller, machines: Sequence[VMSummary]
    ) -> Sequence[Granted | None]:
        """Return for each of some machines what a caller may do with it; None where nothing.

        Raises:
            BackendError: a backend does not say whose its machines are.
        """
        if not isinstance(caller, KeystoneCaller):
            seen = (self._permissions.seen(caller, machine) for machine in machines)
            return [None if machine is None else (machine, caller) for machine in seen]
        vms = [machine.vm for machine in machines if caller.may_touch(machine.vm.backend)]
        owners = await self._owners(vms) if caller.asks_owners else {}
        return [self._first(caller, each, owners.get(each.vm, UNKNOWN)) for each in machines]

    def _first(
        self, caller: KeystoneCaller, machine: VMSummary, owner: Ownership
    ) -> Granted | None:
        """Return what the first policy grants that is for this machine.

        It stays the machine as listed, also where its name has matched: the owner and tags are
        this machine's, and a link for the name would open any machine that is called so later.
        """
        for policy in caller.policies:
            seen = self._permissions.seen(policy.access, machine)
            if seen is not None and policy.admits(owner, caller.project):
                return machine, caller.within(policy)
        return None

    async def _owners(self, vms: Iterable[VMAddress]) -> Mapping[VMAddress, Ownership]:
        ids: dict[str, list[str]] = defaultdict(list)
        for vm in vms:
            ids[vm.backend].append(vm.vm)
        asking = [Deferred.fromCoroutine(self._ask(name, ids[name])) for name in ids]
        found: dict[VMAddress, Ownership] = {}
        for answer in await gatherResults(asking):
            if isinstance(answer, BackendError):
                raise answer
            found |= answer
        return found

    async def _ask(self, name: str, ids: list[str]) -> Mapping[VMAddress, Ownership] | BackendError:
        backend = self._backends.get(name)
        if not IMachineOwners.providedBy(backend):
            return {}
        asking = Deferred.fromCoroutine(_awaited(IMachineOwners(backend), ids))
        try:
            found = await asking.addTimeout(TIME_LIMIT, self._clock)
        except TimeoutError:
            return _unknown(name, f"no answer in {TIME_LIMIT:g} s")
        except BackendError as e:
            return _unknown(name, e.detail)
        return {VMAddress(name, vm): owner for vm, owner in found.items()}


async def _awaited(backend: IMachineOwners, ids: list[str]) -> Mapping[str, Ownership]:
    found: Mapping[str, Ownership] = await backend.owners(ids)
    return found


def _unknown(name: str, why: str) -> BackendError:
    sentence = f"The owners of the machines of the backend {name!r} are not known at the moment."
    return BackendError(f"{name}: owners: {why}", public=sentence)
