"""Asks a backend whether a machine exists, before a token is issued for it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime

from ..errors import BackendError, ConsoleUnavailable, VMNotFound
from ..interfaces import IConsoleBackend
from ..model import ConsoleElsewhere, ConsoleEndpoint, VMAddress
from .refusals import IssueRefused

TIME_LIMIT = 10.0
"""Seconds that the backend may take."""


class MachineCheck:
    """Finds out whether machines exist.

    Args:
        backends: by name.
        clock: for the time limit.
    """

    def __init__(self, backends: Mapping[str, IConsoleBackend], clock: IReactorTime) -> None:
        self._backends = backends
        self._clock = clock

    async def require(self, vm: VMAddress) -> None:
        """Make sure that a machine exists, whether or not it shows a console now.

        Raises:
            IssueRefused: there is none.
            BackendError: the backend fails, or does not answer in time.
        """

        async def locate() -> ConsoleEndpoint | ConsoleElsewhere:
            return await self._backends[vm.backend].locate(vm.vm)

        try:
            locating = Deferred.fromCoroutine(locate())
            found = await locating.addTimeout(TIME_LIMIT, self._clock)
        except ConsoleUnavailable:
            return
        except VMNotFound as e:
            message = f"the backend {vm.backend!r} has no machine {vm.vm!r}"
            raise IssueRefused(message, field="vm", code=VMNotFound.code) from e
        except TimeoutError as e:
            raise BackendError(f"{vm.backend!r} did not answer within {TIME_LIMIT:g} s") from e
        except BackendError as e:
            raise BackendError(f"backend {vm.backend!r}: {e.detail}") from e
        if isinstance(found, ConsoleEndpoint) and found.fd >= 0:
            os.close(found.fd)
