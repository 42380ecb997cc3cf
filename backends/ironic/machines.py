"""Look-up and inventory of nodes, and their consoles started.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...errors import BackendError, ConsoleUnavailable, NoGraphicalConsole, VMNotFound
from ...model import ConsoleEndpoint
from ...openstack.cloud import Cloud
from .console import endpoint
from .errors import explain
from .settings import IronicSettings
from .states import STARTING

POLL: Final = 0.3
"""Seconds between two questions whether a console runs."""

FIELDS: Final = ("uuid", "name", "power_state", "owner")
_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,255}")
"""UUIDs and names of nodes, which stand in a path as they are (RFC 3986, unreserved)."""

_SERIAL: Final = ("socat", "shellinabox", "ipmitool")


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a list; ``owner`` is the id of a project, or empty."""

    uuid: str
    name: str
    power: str | None
    owner: str


class Ironic:
    """One Ironic; its methods block and may be called by several threads.

    Args:
        cloud: the login.
        settings: of the table.
        seconds: a monotonic clock.
        sleep: waits for some seconds, in the thread.
    """

    def __init__(
        self,
        cloud: Cloud,
        settings: IronicSettings,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._cloud = cloud
        self._settings = settings
        self._seconds = seconds
        self._sleep = sleep

    def locate(self, vm: str) -> ConsoleEndpoint:
        """Start a node's console if it does not run, and return where it is.

        Args:
            vm: UUID or name.

        Raises:
            VMNotFound: there is no such node.
            NoGraphicalConsole: its console is none, or a serial one.
            ConsoleUnavailable: the console does not start in time.
            BackendError: Ironic refuses, or does not answer.
        """
        if not _ID.fullmatch(vm) or not vm.strip("."):
            raise VMNotFound(f"{vm!r} can be no node's UUID or name")
        give_up = self._seconds() + self._settings.start_timeout
        api = self._api()
        node = _asked(vm, lambda: api.get_node(vm))
        if not node.is_console_enabled:
            self._start(api, node, give_up)
        _require_graphics(_asked(node.id, lambda: api.get_node_console(node)), node)
        found = _asked(node.id, lambda: api.get_node(node.id))
        return endpoint(found.driver_internal_info, self._settings.addresses, node.name or node.id)

    def inventory(self) -> Sequence[Node]:
        """Return all nodes that the account may see.

        Raises:
            BackendError: Ironic refuses, or does not answer.
        """
        return list(self._nodes())

    def _nodes(self) -> Iterator[Node]:
        api = self._api()
        for each in _asked("", lambda: list(api.nodes(fields=FIELDS))):
            yield Node(each.id, each.name or each.id, each.power_state, each.owner or "")

    def _api(self) -> Any:
        return _asked("", lambda: self._cloud.connection().baremetal)

    def _start(self, api: Any, node: Any, give_up: float) -> None:
        interface = node.console_interface or ""
        if any(kind in interface for kind in _SERIAL):
            raise NoGraphicalConsole(f"node {node.id} has a serial console, {interface}")
        _asked(node.id, lambda: api.enable_node_console(node))
        while not _asked(node.id, lambda: api.get_node_console(node))["console_enabled"]:
            if self._seconds() > give_up:
                raise ConsoleUnavailable(STARTING, self._why_not(api, node))
            self._sleep(POLL)

    def _why_not(self, api: Any, node: Any) -> str:
        error = _asked(node.id, lambda: api.get_node(node.id)).last_error
        said = f", and its last error is: {error}" if error else ""
        limit = self._settings.start_timeout
        return f"the console of node {node.id} did not start in {limit:g} s{said}"


def _require_graphics(console: Any, node: Any) -> None:
    kind = (console.get("console_info") or {}).get("type")
    if kind != "vnc":
        raise NoGraphicalConsole(f"the console of node {node.id} is of the type {kind}")


def _asked(vm: str, question: Callable[[], Any]) -> Any:
    """Return an answer of the SDK, none of whose errors leaves this module."""
    try:
        return question()
    except BackendError:
        raise
    except Exception as e:  # noqa: BLE001 the SDK lets those of its libraries through
        raise explain(e, vm) from None
