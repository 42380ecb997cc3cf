"""The audit line and the metric of each request to start, stop or reset a machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model import PowerAction, VMAddress


class PowerAudit:
    """Records requests.

    Args:
        note: writes an audit line: its event, and its members.
        count: counts a request: backend, action, outcome.
    """

    def __init__(
        self,
        note: Callable[[str, Mapping[str, object]], object],
        count: Callable[[str, str, str], object] = lambda backend, action, outcome: None,
    ) -> None:
        self._note = note
        self._count = count

    def __call__(
        self, vm: VMAddress, action: PowerAction, outcome: str, who: Mapping[str, object]
    ) -> None:
        """Record a request, what became of it, and who asked."""
        self._note("power", {**who, "vm": str(vm), "action": action.value, "outcome": outcome})
        self._count(vm.backend, action.value, outcome)
