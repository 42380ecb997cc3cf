"""The routes of screens and keyboards."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from ...answers import Screen, TypedKeys
from ...downstream.headers import header
from ..caller import Caller
from ..reply import Reply
from . import screen_operations as op
from .parameters import parse_query
from .serving import Serving, serves
from .typing_bodies import TypeRequest


class ScreenRoutes(Serving):
    """The routes below ``/v1/screen``."""

    @serves(op.WAIT_SCREEN)
    def wait_screen(self, request: Request) -> Deferred[bytes]:
        """Wait for a machine's screen."""

        async def work(caller: Caller) -> Reply[Screen]:
            given = parse_query(request.args, op.WAIT_SCREEN.query)
            return await self._views.screen.wait(caller, header(request, "accept"), **given)

        return self._answer(request, op.WAIT_SCREEN, work, ends_with_caller=True)

    @serves(op.TYPE_KEYS)
    def type_keys(self, request: Request) -> Deferred[bytes]:
        """Type at a machine's console."""

        async def work(caller: Caller, asked: TypeRequest) -> Reply[TypedKeys]:
            vm = parse_query(request.args, op.TYPE_KEYS.query).get("vm")
            view, headers = self._views.typing, request.requestHeaders
            return await view.type_keys(caller, asked, vm, headers)

        return self._answer_body(request, op.TYPE_KEYS, TypeRequest, work, ends_with_caller=True)
