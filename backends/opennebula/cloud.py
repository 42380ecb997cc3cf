"""One OpenNebula cloud: look-up and inventory of its machines, version and account.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pyone.bindings.supbind import HOST_POOL, USER, VM_POOL

from ...addresses import is_loopback
from ...errors import BackendError, VMNotFound
from ...model import VMAddress, VMSummary
from .connection import FrontEnd, PostFunction
from .console import Network
from .errors import AccessDenied, NoSuchObject, Unanswered
from .http import Post
from .machines import Machine, read_machine
from .settings import CloudSettings
from .states import has_screen, state_text

T = TypeVar("T")

ALL, ANY_NUMBER, NOT_DONE = -2, (-1, -1), -1
"""Parameters of ``one.vmpool.info``: whose machines, which part of the list, in which states."""

_LARGEST_ID = 2**31 - 1


class Cloud:
    """One OpenNebula.

    Args:
        endpoint: URL of its first server.
        session: ``user:password``.
        settings: what else is configured.
        post: carries the requests.
    """

    def __init__(
        self,
        endpoint: str,
        session: str,
        settings: CloudSettings,
        post: PostFunction | None = None,
    ) -> None:
        post = post or Post(settings.ca_file)
        self.front_end = FrontEnd((endpoint, *settings.servers), session, post)
        self.settings = settings
        self.network = Network(
            is_loopback(urlsplit(endpoint).hostname or ""),
            settings.addresses,
            settings.listen_networks,
            settings.vnc_password.get_secret_value(),
            settings.vnc_username,
            settings.tls.trust() if settings.tls else None,
        )

    def __str__(self) -> str:
        return f"OpenNebula at {self.front_end}"

    def machine(self, end: float, number: int) -> Machine:
        """Return a machine.

        Args:
            end: when to give up, in seconds of the monotonic clock.

        Raises:
            VMNotFound: there is none with this id.
            BackendError: OpenNebula failed, or refuses.
        """
        try:
            return read_machine(self.front_end.info(end, "vm", number))
        except NoSuchObject as e:
            raise VMNotFound(e.detail) from e
        except AccessDenied as e:
            raise BackendError(f"{e.detail}; it needs the right to USE the machine") from e
        except (AttributeError, ValueError) as e:
            raise BackendError(f"{self}: VM {number} cannot be understood: {e}") from e

    def find(self, end: float, vm: str) -> Machine:
        """Return a machine by its id or, when that is not a number, by its name.

        A number is never taken for a name: any user can call a machine ``42``.

        Raises:
            VMNotFound: there is none.
            BackendError: there are several, or OpenNebula failed.
        """
        if not (vm.isascii() and vm.isdigit()):
            return self.machine(end, self._number_of(end, vm))
        if int(vm) > _LARGEST_ID:
            raise VMNotFound(f"no VM has an id as large as {vm}")
        return self.machine(end, int(vm))

    def inventory(self, end: float, backend: str) -> list[VMSummary]:
        """Return all machines that the account can see, in the order of their ids."""
        return [
            VMSummary(
                VMAddress(backend, str(vm.ID)),
                vm.NAME or "",
                state_text(vm.STATE, vm.LCM_STATE or 0),
            )
            for vm in sorted(self._pool(end), key=lambda vm: vm.ID)
        ]

    def running(self, end: float) -> list[int]:
        """Return the ids of the machines that the account can see and that may show a screen."""
        return sorted(
            vm.ID for vm in self._pool(end) if has_screen(vm.STATE or 0, vm.LCM_STATE or 0)
        )

    def hosts(self, end: float) -> list[str]:
        """Return the names of the hosts that the account can see."""
        pool = self.answer(end, HOST_POOL, "hostpool.info")
        return sorted(host.NAME for host in pool.HOST if host.NAME)

    def describe(self, end: float) -> str:
        """Return a line about it: version, account, and which servers do not answer.

        Raises:
            BackendError: no server answers, or they refuse the account.
        """
        version, silent = self._version(end)
        user = self.answer(end, USER, "user.info", -1)
        admin = 0 in (user.GID, *(user.GROUPS.ID if user.GROUPS else ()))
        account = f"as {user.NAME}{'' if admin else ', not of the group oneadmin'}"
        return "; ".join([f"OpenNebula {version} at {self.front_end}, {account}", *silent])

    def is_before(self, end: float, *release: int) -> bool:
        """Return whether the cloud is older than a release, such as 5, 12; True if it may be.

        Raises:
            BackendError: it does not answer.
        """
        told = str(self.front_end.call(end, "system.version"))
        parts = told.split(".")
        numbers = tuple(int(part) for part in parts if part.isascii() and part.isdigit())
        return len(numbers) < len(parts) or numbers < release

    def _version(self, end: float) -> tuple[str, list[str]]:
        version, silent = "", []
        servers = self.front_end.servers
        for tried, server in enumerate(servers):
            seconds = max(0.1, (end - time.monotonic()) / (len(servers) - tried + 1))
            try:
                version = self.front_end.call_at(server, seconds, "system.version")
            except Unanswered as e:
                silent.append(f"{server}: {e.detail}")
        if not version:
            raise BackendError("; ".join(silent))
        return version, silent

    def _number_of(self, end: float, name: str) -> int:
        numbers = sorted(vm.ID for vm in self._pool(end) if name == vm.NAME)
        if not numbers:
            raise VMNotFound(f"no VM called {name!r} at {self.front_end}")
        if len(numbers) > 1:
            raise BackendError(
                f"{len(numbers)} VMs are called {name!r}: {', '.join(map(str, numbers))}; "
                "issue tokens by id",
                public="Several virtual machines have this name.",
            )
        number: int = numbers[0]
        return number

    def _pool(self, end: float) -> list[Any]:
        pool = self.answer(end, VM_POOL, "vmpool.info", ALL, *ANY_NUMBER, NOT_DONE)
        return [vm for vm in pool.VM if vm.ID is not None]

    def answer(self, end: float, kind: type, method: str, *args: Any) -> Any:
        """Return the answer to a method, which must be a document of this kind.

        Raises:
            BackendError: no server answers, they refuse, or it is another document.
        """
        answer = self.front_end.call(end, method, *args)
        if not isinstance(answer, kind):
            raise BackendError(f"{self}: its answer to {method} cannot be understood")
        return answer


class Inquiry:
    """Asks a cloud within a time limit; its ``str`` names the cloud in messages about the limit.

    Args:
        seconds: how long one question may take.
    """

    def __init__(self, cloud: Cloud, seconds: float) -> None:
        self._cloud = cloud
        self._seconds = seconds

    def __str__(self) -> str:
        return str(self._cloud)

    def __call__(self, question: Callable[..., T], *args: Any) -> T:
        """Return ``question(cloud, end, *args)``."""
        return question(self._cloud, time.monotonic() + self._seconds, *args)
