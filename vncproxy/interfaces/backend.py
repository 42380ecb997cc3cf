"""Backends: what a hypervisor or cloud implements, and what it may implement besides."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel
from zope.interface import Interface

from ..errors import UpstreamViolation, VNCProxyError
from ..model import ConsoleElsewhere, ConsoleEndpoint, VMSummary


class IConsoleBackend(Interface):
    """A configured hypervisor or cloud that can locate consoles."""

    def locate(vm: str) -> Awaitable[ConsoleEndpoint | ConsoleElsewhere]:
        """Find out where a console is now; never answered from memory.

        Args:
            vm: the id as the token has it, without the backend's name.

        Returns:
            The console's endpoint, or the machine's address in another configured backend, which
            is then asked; that one must know the endpoint.

        Raises:
            VMNotFound: no such machine.
            ConsoleUnavailable: it exists and shows no screen in its state.
            BackendError: the hypervisor's API failed.
        """

    def probe() -> Awaitable[str]:
        """Dial the hypervisor and return one line about it, for ``check-config``.

        What it finds on the way and need not stop anybody, it tells in ``IHasWarnings``.

        Raises:
            BackendError: with what is wrong and what to do about it as detail.
        """

    def close() -> Awaitable[None]:
        """Let go of connections and logins; no further call follows."""


class IConsoleMoves(Interface):
    """A backend whose machines move between hosts while they run, which ends their consoles."""

    def whereabouts(vm: str) -> Awaitable[str]:
        """Return the host of the endpoint that ``locate`` would give now; nothing stays open.

        Empty where it cannot be told.

        Raises:
            VNCProxyError: as ``locate`` does.
        """


class IConsoleRefusals(Interface):
    """A backend that knows what it means when a console's server turns the proxy away.

    It is told of each ``UpstreamViolation`` at an endpoint of its own; after the second one, the
    session is over.
    """

    def relocate(vm: str, refusal: UpstreamViolation) -> Awaitable[ConsoleEndpoint]:
        """Return where the console is now, to be tried once more.

        Args:
            vm: the id that was located.
            refusal: what happened at the endpoint.

        Raises:
            VNCProxyError: what ``locate`` raises; or what the refusal means, where another try
                is of no use.
        """

    def explain(refusal: UpstreamViolation) -> VNCProxyError:
        """Return another error that says what the refusal means."""


class IVMInventory(Interface):
    """A backend that can list its machines."""

    def list() -> Awaitable[Sequence[VMSummary]]:
        """Return the machines that exist now, in any state.

        Raises:
            BackendError: the hypervisor's API failed.
        """


class IKnowsConsoles(Interface):
    """A backend that knows where consoles are before anybody asks for one."""

    def consoles() -> Awaitable[Mapping[str, ConsoleEndpoint]]:
        """Return endpoints by what a warning calls them; ``check-config`` logs in to some.

        Raises:
            BackendError: they cannot be read.
        """


class IHasWarnings(Interface):
    """A backend whose settings may work and still deserve a look."""

    def warnings() -> Sequence[str]:
        """Return one line for each, with what could be done; told at start and by a check."""


class IPointsElsewhere(Interface):
    """A backend that leaves some of its machines to others, by ``ConsoleElsewhere``."""

    def elsewhere() -> Sequence[str]:
        """Return the NAMEs of those backends, as its settings have them."""


class BackendClass(Protocol):
    """What the core asks of a backend's class.

    Attributes:
        Settings: the table ``[backends.NAME]`` without ``type``, as a pydantic model with
            ``extra="forbid"`` and ``frozen=True``.
    """

    Settings: ClassVar[type[BaseModel]]

    def __call__(self, name: str, settings: Any, calls: Any) -> Any:
        """Make the backend of a table.

        Args:
            name: the table's NAME, for messages.
            settings: an instance of ``Settings``.
            calls: an ``IBlockingCalls``.

        Returns:
            An ``IConsoleBackend``, perhaps also an ``IVMInventory``. It connects when first asked.
        """
