"""Several hypervisors among which machines are migrated: on which of them a machine runs now.

During a migration, and often after it, more than one host has the machine defined; its console is
on the host where it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ...errors import (
    BackendError,
    ConsoleUnavailable,
    PowerStateUnfit,
    PowerUnsupported,
    VMNotFound,
    VNCProxyError,
)
from ...model import ConsoleEndpoint, MachineHost, PowerAction
from ..uuids import uuid_of
from .hypervisor import Hypervisor

if TYPE_CHECKING:
    from .states import DomainState

T = TypeVar("T")


async def locate(hypervisors: Sequence[Hypervisor], vm: str) -> ConsoleEndpoint:
    """Return where a machine's console is, on the host where it runs.

    Raises:
        VMNotFound: every host has answered, and none has it.
        ConsoleUnavailable: it is being migrated, runs on no host that answered, or runs on two,
            which are two machines then.
        BackendError: a host that may have it does not answer, or several machines have its name.
    """
    if len(hypervisors) == 1:
        return await hypervisors[0].locate(vm)
    try:
        return await _locate(hypervisors, vm)
    except (VMNotFound, ConsoleUnavailable):
        # it may have moved from one host to another between two answers
        return await _locate(hypervisors, vm)


async def host_of(hypervisors: Sequence[Hypervisor], vm: str) -> MachineHost:
    """Return the host on which a machine runs; of one that runs nowhere, where it is defined.

    Raises:
        VMNotFound, ConsoleUnavailable, BackendError: as `locate` does.
    """
    answers, failures = await ask_all(
        hypervisors,
        lambda each: each.host_of(vm, by_id=len(hypervisors) == 1),
        (lambda found: _runs(found[0])) if uuid_of(vm) else _never,
    )
    silent = [str(each) for each in failures if not isinstance(each, VMNotFound)]
    if not answers:
        raise _nowhere(vm, len(hypervisors), silent)
    states = {each: state for each, (state, _) in answers.items()}
    _refuse_namesakes(vm, list(states.values()))
    _refuse_twins(vm, states)
    return answers[min(states, key=lambda each: states[each].rank)][1]


async def power(hypervisors: Sequence[Hypervisor], vm: str, action: PowerAction) -> bool:
    """Do something to a machine's power on the host where it runs, or where it is defined.

    Raises:
        VNCProxyError: see ``IPower``.
    """
    if len(hypervisors) == 1:
        return await hypervisors[0].power(vm, action, by_id=True)
    host, uuid = await _responsible(hypervisors, vm, action)
    return await host.power(uuid, action, by_id=False)


async def is_off(hypervisors: Sequence[Hypervisor], vm: str) -> bool:
    """Return whether a machine is off on all hosts, and it is known on which one it starts."""
    if len(hypervisors) == 1:
        return await hypervisors[0].is_off(vm, by_id=True)
    try:
        host, uuid = await _responsible(hypervisors, vm, PowerAction.START)
    except (PowerStateUnfit, PowerUnsupported):
        return False
    return await host.is_off(uuid, by_id=False)


async def _responsible(
    hypervisors: Sequence[Hypervisor], vm: str, action: PowerAction
) -> tuple[Hypervisor, str]:
    """Return the host that acts, and the machine's UUID.

    A machine is started only where every host has answered that it is off, and one alone has it:
    it might run twice otherwise, on the same disks.
    """
    answers, failures = await ask_all(hypervisors, lambda each: each.domain_state(vm))
    silent = [str(each) for each in failures if not isinstance(each, VMNotFound)]
    if not answers:
        raise _nowhere(vm, len(hypervisors), silent)
    _refuse_namesakes(vm, list(answers.values()))
    _refuse_twins(vm, answers)
    best = min(answers, key=lambda each: answers[each].rank)
    state = answers[best]
    if action is not PowerAction.START:
        if not state.is_showing:
            raise PowerStateUnfit(state.text, "; ".join([state.text, *silent]))
    elif state.rank < _OFF:
        raise PowerStateUnfit(state.text)
    elif silent:
        raise BackendError(f"not started, it may run on a host that is silent: {'; '.join(silent)}")
    else:
        best = _only_home(vm, answers)
    return best, state.uuid


def _only_home(vm: str, answers: Mapping[Hypervisor, DomainState]) -> Hypervisor:
    """Return the one host on which a machine is defined, and from which it was not moved away."""
    homes = [each for each, state in answers.items() if not state.moved_away]
    if len(homes) != 1:
        hosts = ", ".join(each.uri for each in homes or answers)
        raise PowerUnsupported(f"{vm!r} is off, and on which host it starts is not known: {hosts}")
    return homes[0]


_OFF = 3
"""The rank of a machine that is off."""


async def ask_all(
    hypervisors: Collection[Hypervisor],
    question: Callable[[Hypervisor], Coroutine[Any, Any, T]],
    enough: Callable[[T], bool] = lambda _: False,
) -> tuple[dict[Hypervisor, T], list[VNCProxyError]]:
    """Ask all hosts at the same time; returns the answers, and the errors of the others.

    Args:
        enough: whether an answer is enough, so that the other hosts are not waited for.
    """
    results = await _results(
        {each: Deferred.fromCoroutine(question(each)) for each in hypervisors}, enough
    )
    answers: dict[Hypervisor, T] = {}
    failures: list[VNCProxyError] = []
    for hypervisor in filter(results.__contains__, hypervisors):
        result = results[hypervisor]
        if not isinstance(result, Failure):
            answers[hypervisor] = result
        elif isinstance(result.value, VNCProxyError):
            failures.append(result.value)
        else:
            result.raiseException()
    return answers, failures


async def _results(
    asked: Mapping[Hypervisor, Deferred[T]], enough: Callable[[T], bool]
) -> dict[Hypervisor, T | Failure]:
    """Return the results that came until one was enough; cancelling this cancels all questions."""
    results: dict[Hypervisor, T | Failure] = {}

    def cancel_all(_over: Deferred[None]) -> None:
        for each in asked.values():
            each.cancel()

    over: Deferred[None] = Deferred(cancel_all)

    def on_result(result: T | Failure, hypervisor: Hypervisor) -> None:
        """Keep the result of a host; stop waiting when it is the last one, or enough."""
        results[hypervisor] = result
        last = len(results) == len(asked)
        if not over.called and (last or (not isinstance(result, Failure) and enough(result))):
            over.callback(None)

    for hypervisor, answer in asked.items():
        answer.addBoth(on_result, hypervisor)
    if asked:
        await over
    return dict(results)


async def _locate(hypervisors: Sequence[Hypervisor], vm: str) -> ConsoleEndpoint:
    # a name may be that of another machine on a host that has not answered; a UUID is one machine's
    runs = _runs if uuid_of(vm) else _never
    answers, failures = await ask_all(hypervisors, lambda each: each.domain_state(vm), runs)
    silent = [str(each) for each in failures if not isinstance(each, VMNotFound)]
    if not answers:
        raise _nowhere(vm, len(hypervisors), silent)
    _refuse_namesakes(vm, list(answers.values()))
    _refuse_twins(vm, answers)
    best = min(answers, key=lambda each: answers[each].rank)
    state = answers[best]
    if not state.is_showing:
        raise ConsoleUnavailable(state.text, "; ".join([state.text, *silent]))
    return await best.locate(state.uuid)


def _runs(state: DomainState) -> bool:
    return state.rank == 0


def _never(_answer: object) -> bool:
    return False


def _nowhere(vm: str, hosts: int, silent: Sequence[str]) -> VNCProxyError:
    if not silent:
        return VMNotFound(f"no domain with UUID or name {vm!r} on any of {hosts} hosts")
    return BackendError(
        f"no domain with UUID or name {vm!r} on {hosts - len(silent)} of {hosts} hosts, "
        f"and the others do not answer: {'; '.join(silent)}"
    )


def _refuse_namesakes(vm: str, states: Sequence[DomainState]) -> None:
    uuids = sorted({each.uuid for each in states})
    if len(uuids) > 1:
        raise BackendError(
            f"{vm!r} names {len(uuids)} machines on different hosts, {', '.join(uuids)}: "
            "use the UUID"
        )


def _refuse_twins(vm: str, answers: Mapping[Hypervisor, DomainState]) -> None:
    """Refuse a machine that runs on two hosts: a UUID is unique on one host only.

    One that has just moved may seem so, because hosts do not answer at the same moment.
    """
    running = sorted(each.uri for each, state in answers.items() if state.rank == 0)
    if len(running) > 1:
        raise ConsoleUnavailable(
            f"running on {len(running)} hosts at once",
            f"{vm!r} runs on {', '.join(running)}: give each machine a UUID of its own",
        )
