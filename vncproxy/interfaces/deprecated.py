"""Interfaces of backends that were replaced in 0.1; they are honoured until 0.2."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from zope.interface import Interface

from ..errors import UpstreamViolation, VNCProxyError
from ..model import ConsoleEndpoint


class IConsoleMoves(Interface):
    """The last method of ``IConsoleRecovery``, under its old name."""

    def whereabouts(vm: str) -> Awaitable[str]:
        """Return what ``IConsoleRecovery.current_host`` does."""


class IConsoleRefusals(Interface):
    """The first two methods of ``IConsoleRecovery``."""

    def relocate(vm: str, refusal: UpstreamViolation) -> Awaitable[ConsoleEndpoint]:
        """Return what ``IConsoleRecovery.relocate`` does."""

    def explain(refusal: UpstreamViolation) -> VNCProxyError:
        """Return what ``IConsoleRecovery.explain`` does."""


class IPointsElsewhere(Interface):
    """A backend that is asked what its settings are asked now, see ``NamesOtherBackends``."""

    def elsewhere() -> Sequence[str]:
        """Return what ``NamesOtherBackends.other_backends`` does."""
