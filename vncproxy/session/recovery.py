"""Backends that can tell what became of a console, those with the old interfaces included."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..errors import UpstreamViolation, VNCProxyError
from ..interfaces import (
    IConsoleBackend,
    IConsoleMoves,
    IConsoleRecovery,
    IConsoleRefusals,
)
from ..model import ConsoleEndpoint


def recovery_of(backend: IConsoleBackend | None) -> IConsoleRecovery | None:
    """Return a backend as an ``IConsoleRecovery``; None when it cannot tell."""
    if IConsoleRecovery.providedBy(backend):
        return IConsoleRecovery(backend)
    if IConsoleRefusals.providedBy(backend) or IConsoleMoves.providedBy(backend):
        return _OldInterfaces(backend)
    return None


@implementer(IConsoleRecovery)
class _OldInterfaces:
    """A backend that provides ``IConsoleRefusals``, ``IConsoleMoves`` or both."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        if not IConsoleRefusals.providedBy(self._backend):
            raise refusal
        endpoint: ConsoleEndpoint = await self._backend.relocate(vm, refusal)
        return endpoint

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        if not IConsoleRefusals.providedBy(self._backend):
            return refusal
        error: VNCProxyError = self._backend.explain(refusal)
        return error

    async def current_host(self, vm: str) -> str:
        if not IConsoleMoves.providedBy(self._backend):
            return ""
        host: str = await self._backend.whereabouts(vm)
        return host
