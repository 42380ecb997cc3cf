"""Backends: the interface of a hypervisor or cloud, and optional ones."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel
from zope.interface import Interface

from ..errors import UpstreamViolation, VNCProxyError
from ..model import (
    ConsoleElsewhere,
    ConsoleEndpoint,
    Journey,
    MachineHost,
    Ownership,
    VMSummary,
)
from .context import BackendContext


class IConsoleBackend(Interface):
    """A configured hypervisor or cloud that can locate consoles."""

    def locate(vm: str) -> Awaitable[ConsoleEndpoint | ConsoleElsewhere]:
        """Return where a console is now, always by asking the hypervisor.

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

        Problems that do not prevent consoles from working are reported by ``IHasWarnings``.

        Raises:
            BackendError: its detail says what is wrong and what to do about it.
        """

    def close() -> Awaitable[None]:
        """Close connections and log out; no further call follows."""


class IConsolesElsewhere(Interface):
    """A backend whose consoles are opened by another zone, which decides by the session."""

    def request_console(vm: str, journey: Journey) -> Awaitable[ConsoleEndpoint]:
        """Return the endpoint of a console for one session; called instead of ``locate``.

        Raises:
            VNCProxyError: as ``locate`` does; or what the other zone says.
        """

    def check_for(vm: str, via: Sequence[str]) -> Awaitable[None]:
        """Make sure that a machine exists, for zones that ask; called instead of ``locate``.

        Args:
            via: the zones that the question has passed before this one, the first that asked first.

        Raises:
            VNCProxyError: as ``locate`` does; or what the other zone says.
        """


class ISharesConsoles(Interface):
    """A backend that knows how many viewers its consoles have at a time.

    Links to live sessions are made only where a second viewer takes nothing from the first. A
    backend without this interface is one whose consoles are shown to several.
    """

    def most_viewers(vm: str) -> Awaitable[int | None]:
        """Return how many viewers a console admits at a time; None for many, or where not known.

        Args:
            vm: the id as the token has it, without the backend's name.

        Raises:
            VNCProxyError: as ``locate`` does.
        """


class IConsoleRecovery(Interface):
    """A backend that can find out why a console's server refused or ended a connection.

    Each ``UpstreamViolation`` at an endpoint of the backend is reported once to `relocate` and, if
    the second endpoint fails as well, to `explain`; then the session ends.
    """

    def relocate(vm: str, refusal: UpstreamViolation) -> Awaitable[ConsoleEndpoint]:
        """Return where the console is now, to be tried once more.

        Args:
            vm: the id that was located.
            refusal: what happened at the endpoint.

        Raises:
            VNCProxyError: what ``locate`` raises; or what the refusal means, where another try
                is of no use. A backend that never retries raises ``refusal`` itself.
        """

    def explain(refusal: UpstreamViolation) -> VNCProxyError:
        """Return an error that says what the refusal means, or ``refusal`` itself."""

    def current_host(vm: str) -> Awaitable[str]:
        """Return the host of the endpoint that ``locate`` would give now, and open nothing.

        It distinguishes a console that ended because its machine was moved from one whose machine
        was stopped. Empty where machines do not move, or it is not known.

        Raises:
            VNCProxyError: as ``locate`` does.
        """


class IKnowsHosts(Interface):
    """A backend that can tell on which host a machine is, for proxies that serve some hosts."""

    def host_of(vm: str) -> Awaitable[MachineHost]:
        """Return the host on which a machine is now, always by asking the hypervisor.

        Args:
            vm: the id as the token has it.

        Raises:
            VMNotFound: no such machine.
            BackendError: the hypervisor's API failed.
        """

    def own_hosts() -> Awaitable[Sequence[str]]:
        """Return the names of all hosts and groups of hosts whose machines the backend shows.

        They are what a proxy serves whose ``proxy.serves`` is ``auto``.

        Raises:
            BackendError: the hypervisor's API failed.
        """


class IVMInventory(Interface):
    """A backend that can list its machines."""

    def list() -> Awaitable[Sequence[VMSummary]]:
        """Return the machines that exist now, in any state.

        Raises:
            BackendError: the hypervisor's API failed.
        """


class IMachineIds(Interface):
    """A backend that can tell ids, which it gives out itself, from names that tenants may choose.

    Callers of the API that are limited to some machines may use only those whose ids are theirs. A
    backend without this interface is one all of whose machines have names that tenants choose.
    """

    def fixed_part(vm: str) -> str:
        """Return the leading part of a machine's id that no tenant can choose; asks no hypervisor.

        Args:
            vm: the id as the token has it, without the backend's name.

        Returns:
            All of it, where `locate` takes this text for an id, and never for a name; a part that
            ends with a slash; or nothing, where it may be a name.
        """


class IMachineOwners(Interface):
    """A backend that knows the owners of its machines."""

    def owners(vms: Sequence[str]) -> Awaitable[Mapping[str, Ownership]]:
        """Return the owners of some machines, by their ids; without those that are gone.

        What a tenant can write must not be in it: it decides who sees the console.

        Args:
            vms: ids as ``IVMInventory`` has them.

        Raises:
            BackendError: the hypervisor's API failed.
        """


class IKnowsConsoles(Interface):
    """A backend that can list consoles with their endpoints."""

    def consoles() -> Awaitable[Mapping[str, ConsoleEndpoint]]:
        """Return endpoints by the name that a warning gives them; ``check-config`` logs in to some.

        Raises:
            BackendError: they cannot be read.
        """


class IHasWarnings(Interface):
    """A backend that can warn of settings that are valid but risky."""

    def warnings() -> Sequence[str]:
        """Return one line for each, with what could be done; for the log and ``check-config``."""


@runtime_checkable
class NamesOtherBackends(Protocol):
    """The settings of a backend that leaves some machines to others, by ``ConsoleElsewhere``."""

    def other_backends(self) -> Sequence[str]:
        """Return the NAMEs of those backends; ``check-config`` reports those without a table."""


class BackendClass(Protocol):
    """What the core requires of a backend's class.

    Attributes:
        Settings: the table ``[backends.NAME]`` without ``type``, as a pydantic model with
            ``extra="forbid"`` and ``frozen=True``.
    """

    Settings: ClassVar[type[BaseModel]]

    def __call__(self, context: BackendContext) -> Any:
        """Make the backend of a table; it connects when first asked.

        A class whose constructor takes ``(name, settings, calls)`` is still made that way, with a
        warning in the log; see ``vncproxy.backends.make``.

        Returns:
            An ``IConsoleBackend``, and whichever optional interfaces it provides.
        """
