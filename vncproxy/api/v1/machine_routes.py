"""The routes of machines: their list, their power, their screens."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from ...downstream.headers import header
from ..caller import Caller
from ..reply import Reply
from . import machine_operations as op
from .parameters import parse_query
from .power import PowerRequest
from .screenshots import known_tags
from .serving import Serving, serves


class MachineRoutes(Serving):
    """The routes that are about machines."""

    @serves(op.LIST_MACHINES)
    def list_vms(self, request: Request) -> Deferred[bytes]:
        """List the machines of all backends."""
        return self._answer(request, op.LIST_MACHINES, self._views.inventory.list)

    @serves(op.POWER)
    def power(self, request: Request) -> Deferred[bytes]:
        """Start, stop or reset a machine."""
        return self._answer_body(request, op.POWER, PowerRequest, self._views.power.act)

    @serves(op.SCREENSHOT)
    def show_screen(self, request: Request) -> Deferred[bytes]:
        """Show a machine's screen."""

        async def work(caller: Caller) -> Reply[str]:
            given = parse_query(request.args, op.SCREENSHOT.query)
            known = known_tags(header(request, "if-none-match"))
            return await self._views.screenshots.show(caller, known, **given)

        return self._answer(request, op.SCREENSHOT, work)
