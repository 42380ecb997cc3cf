"""Starts, stops and resets machines: asks their backends, and records each request.

Who may ask is decided before: by the policy of a session, or the scope of a caller of the API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import (
    BackendError,
    ConsoleUnavailable,
    PowerUnsupported,
    VMNotFound,
    VNCProxyError,
)
from ..interfaces import IConsoleBackend, IPower, IPowerElsewhere
from ..model import Journey, PowerAction, VMAddress
from .allowance import Allowance

LONGEST: Final = 90.0
"""Seconds after which a backend is not waited for any more; its own limits are shorter."""

DONE: Final = "done"
ASKED: Final = "asked"
"""The outcomes of a request that was carried out: at once, or by the guest when it is ready."""

Record = Callable[[VMAddress, PowerAction, str, Mapping[str, object]], object]
"""Records a request: machine, action, outcome (`DONE`, `ASKED` or an error's code), and who asked.
"""

Key = tuple[VMAddress, PowerAction]
"""One machine by its name and by its UUID is two: only its backend knows that they are one."""

Waiting = tuple[Deferred[bool], Mapping[str, object]]
"""One of the requests for the same: its result, and who asked."""


def _no_record(
    vm: VMAddress, action: PowerAction, outcome: str, who: Mapping[str, object]
) -> None: ...


class MachinePower:
    """The power of the machines of all backends.

    Args:
        backends: returns them by name, as they are now.
        clock: for the time limit.
        record: records each request.

    Attributes:
        allowance: how often the holder of a link may ask.
    """

    log = Logger()

    def __init__(
        self,
        backends: Callable[[], Mapping[str, IConsoleBackend]],
        clock: IReactorTime,
        record: Record = _no_record,
    ) -> None:
        self._backends = backends
        self._clock = clock
        self.allowance = Allowance(clock.seconds)
        self._record = record
        self._under_way: dict[Key, list[Waiting]] = {}

    def actions(self, vm: VMAddress) -> frozenset[PowerAction]:
        """Return what the machine's backend can do, as far as its configuration allows it."""
        backend = self._backends().get(vm.backend)
        return frozenset(backend.power_actions()) if IPower.providedBy(backend) else frozenset()

    async def act(
        self, vm: VMAddress, action: PowerAction, journey: Journey, who: Mapping[str, object]
    ) -> bool:
        """Do something to a machine's power, and record it.

        The same action that is under way already for the same address of a machine is waited for,
        and not done twice; each request is recorded. It goes on where the one who asked for it
        does not wait.

        Args:
            journey: what another zone is told, where the machine is in one.
            who: members of the audit line.

        Returns:
            Whether it is done; False where the guest or the hypervisor does it later.

        Raises:
            VNCProxyError: see ``IPower``; PowerUnsupported also where the backend is no `IPower`.
        """
        done: bool = await self._shared(vm, action, journey, who)
        return done

    async def is_off(self, vm: VMAddress, why: ConsoleUnavailable) -> bool:
        """Return whether a machine can be started now; False where that is not known.

        Args:
            why: it has no console.
        """
        backend = self._backends().get(vm.backend)
        if PowerAction.START not in self.actions(vm):
            return False
        try:
            return why.is_off or bool(await IPower(backend).is_off(vm.vm))
        except VNCProxyError as e:
            self.log.warn("{vm}: not known whether it is off: {error}", vm=str(vm), error=e)
            return False

    def refused(
        self, vm: VMAddress, action: PowerAction, error: VNCProxyError, who: Mapping[str, object]
    ) -> None:
        """Record a request that was not carried out."""
        self._record(vm, action, error.code, {**who, "detail": error.detail or None})

    def _shared(
        self, vm: VMAddress, action: PowerAction, journey: Journey, who: Mapping[str, object]
    ) -> Deferred[bool]:
        mine: Deferred[bool] = Deferred()
        waiting = self._under_way.setdefault((vm, action), [])
        waiting.append((mine, who))
        if len(waiting) == 1:
            asked = Deferred.fromCoroutine(self._ask(vm, action, journey))
            asked.addTimeout(LONGEST, self._clock, _timed_out)
            asked.addBoth(self._ended, vm, action)
        return mine

    async def _ask(self, vm: VMAddress, action: PowerAction, journey: Journey) -> bool:
        backend: Any = self._backends().get(vm.backend)
        if backend is None:
            raise VMNotFound(f"no backend and no zone {vm.backend!r} is configured")
        if action not in self.actions(vm):
            raise PowerUnsupported(f"the backend {vm.backend!r} {_why_not(backend)}")
        if IPowerElsewhere.providedBy(backend):
            return bool(await backend.request_power(vm.vm, action, journey))
        return bool(await backend.power(vm.vm, action))

    def _ended(self, result: Any, vm: VMAddress, action: PowerAction) -> None:
        """Record what became of each of the requests, and tell those who wait for it."""
        if isinstance(result, Failure) and not isinstance(result.value, VNCProxyError):
            self.log.failure("{vm}: {action} failed", result, vm=str(vm), action=action.value)
            result = Failure(BackendError("a defect: see the traceback above"))
        waiting = self._under_way.pop((vm, action))
        for _, who in waiting:
            if isinstance(result, Failure):
                assert isinstance(result.value, VNCProxyError)
                self.refused(vm, action, result.value, who)
            else:
                self._record(vm, action, DONE if result else ASKED, who)
        for each, _ in waiting:
            each.callback(result)


def _timed_out(result: Any, timeout: float) -> Any:
    if isinstance(result, Failure):
        raise BackendError(
            f"the backend did not answer within {timeout:g} s; it may still do it"
        ) from TimeoutError()
    return result


def _why_not(backend: Any) -> str:
    if not IPower.providedBy(backend):
        return "cannot start or stop machines"
    return "may not do this: its table needs power = true"
