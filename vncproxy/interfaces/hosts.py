"""The seam of machines' hosts: what other proxies know of a machine."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from zope.interface import Interface

from ..model import MachineHost, VMAddress


class IMachineFinder(Interface):
    """Other proxies, which may know a machine that this one does not."""

    def find_machine(vm: VMAddress) -> Awaitable[Sequence[MachineHost]]:
        """Return the host of a machine as each of the others knows it, within a second.

        Empty where there are none, none knows it, or none answers in time.

        Raises:
            StoreUnavailable: they cannot be asked.
        """
