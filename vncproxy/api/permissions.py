"""Which machines a caller may see and use, by their ids and never by what tenants call theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..errors import Forbidden
from ..interfaces import IConsoleBackend
from ..model import VMAddress, VMSummary
from ..tokens.machine_ids import fixed_part
from .caller import Caller
from .reply import Refusal


class Permissions:
    """Decides by the patterns of a caller, and by what a backend takes for an id.

    Args:
        backends: by name; of one that does not provide `IMachineIds`, every machine has a name that
            tenants may choose.
    """

    def __init__(self, backends: Mapping[str, IConsoleBackend]) -> None:
        self._backends = backends

    def allow(self, caller: Caller, vm: VMAddress) -> bool:
        """Tell whether a caller may see and use a machine, by its address in tokens."""
        return caller.may_use(vm, fixed_part(self._backends, vm))

    def require(self, caller: Caller, vm: VMAddress) -> None:
        """Refuse a machine that a caller may not use.

        Raises:
            Refusal: 403, whether or not there is such a machine or backend.
        """
        if self.allow(caller, vm):
            return
        message = f"the {caller} may not use the {_what(caller, vm)}"
        raise Refusal(Forbidden.status, Forbidden.code, message, field="vm")

    def seen(self, caller: Caller, machine: VMSummary) -> VMSummary | None:
        """Return a machine by an address that the caller may use; None where it has none.

        The address is that of the backend's list; or where names count, one with the name. A name
        that the backend would take for an id is none: it would lead to another machine.
        """
        if self.allow(caller, machine.vm):
            return machine
        if not caller.match_names:
            return None
        try:
            named = VMAddress.parse(f"{machine.vm.backend}/{machine.name}")
        except ValueError:
            return None
        if fixed_part(self._backends, named) == named.vm:
            return None
        return replace(machine, vm=named) if self.allow(caller, named) else None

    def filter(self, caller: Caller) -> Callable[[VMAddress], bool] | None:
        """Return what accepts the machines of a caller; None where its backends say enough."""
        return None if caller.vms.everything else lambda vm: self.allow(caller, vm)


def _what(caller: Caller, vm: VMAddress) -> str:
    if not caller.may_touch(vm.backend):
        return f"backend {vm.backend!r}"
    if caller.may_use(vm, vm.vm):
        return (
            f"machine {str(vm)!r} by a name, which a tenant may have chosen; "
            "ask for it by its id, or set match_names"
        )
    return f"machine {str(vm)!r}"
