"""The part of a machine's id that no tenant can choose, asked of its backend."""

from __future__ import annotations

from collections.abc import Mapping

from ..interfaces import IConsoleBackend, IMachineIds
from ..model import VMAddress


def fixed_part(backends: Mapping[str, IConsoleBackend], vm: VMAddress) -> str:
    """Return it; empty where the backend cannot tell ids from names."""
    backend = backends.get(vm.backend)
    if not IMachineIds.providedBy(backend):
        return ""
    fixed: str = IMachineIds(backend).fixed_part(vm.vm)
    return fixed
