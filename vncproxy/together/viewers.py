"""Whether a console admits one more viewer, before the one that it has could be disconnected."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConsoleInUse
from ..interfaces import IConsoleBackend, ISharesConsoles
from ..model import VMAddress


async def require_room(backends: Mapping[str, IConsoleBackend], vm: VMAddress) -> None:
    """Make sure that a machine's console is shown to several viewers, as far as it is known.

    Raises:
        ConsoleInUse: it is shown to one.
        VNCProxyError: its backend cannot tell.
    """
    backend = backends.get(vm.backend)
    if backend is None or not ISharesConsoles.providedBy(backend):
        return
    if await ISharesConsoles(backend).most_viewers(vm.vm) == 1:
        raise ConsoleInUse(
            f"{vm}: its console has one viewer at a time",
            public="The hypervisor shows this console to one viewer at a time. A second one would "
            "take it from its user.",
        )
