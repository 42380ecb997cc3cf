"""A link to a machine of a visitor, and a picture of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from ..api.caller import Caller
from ..api.front import Front
from ..api.reply import Refusal, Reply
from ..api.v1.bodies import TokenRequest
from ..config.scope import Scope
from ..errors import Forbidden
from ..model import Policy, VMAddress
from ..screenshots.formats import ImageFormat
from .machines import may_picture
from .visitor import Visitor

WIDTH: Final = 320
"""Pixels of a picture from left to right."""

QUALITY: Final = 60


class OpeningMachines:
    """Opens machines for visitors: by the first of their policies that is for a machine."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def link(self, visitor: Visitor, vm: VMAddress) -> dict[str, Any]:
        """Return a link to a machine.

        Raises:
            Refusal: 403, the visitor may not use the machine.
            VNCProxyError: no link can be issued.
        """
        caller = self._caller(visitor, vm)
        caller.require_scope(Scope.ISSUE)
        request = TokenRequest.model_validate(
            {"vm": str(vm), "user": visitor.login.user, "check": True}
        )
        request = request.model_copy(update={"policy": _most(caller)})
        issued = await self._front.tokens.issue(caller, request)
        assert isinstance(issued.body, dict)
        return {"url": issued.body["url"]}

    async def picture(self, visitor: Visitor, vm: VMAddress, known: Collection[str]) -> Reply[str]:
        """Return a small picture of a machine's screen.

        Args:
            known: the tags of pictures that the browser has.

        Raises:
            Refusal: 403, the visitor may not see it.
            VNCProxyError: there is none now.
        """
        caller = self._caller(visitor, vm)
        if self._front.pictures is None or not may_picture(caller):
            raise Refusal(Forbidden.status, Forbidden.code, "no pictures are shown of this machine")
        return await self._front.pictures.show(
            caller, known, vm, ImageFormat.JPEG, QUALITY, width=WIDTH
        )

    def _caller(self, visitor: Visitor, vm: VMAddress) -> Caller:
        for caller in visitor.callers:
            if self._front.permissions.allow(caller, vm):
                return caller
        message = "this machine is not one of yours"
        raise Refusal(Forbidden.status, Forbidden.code, message, field="vm")


def _most(caller: Caller) -> Policy:
    """Return the policy of links for a visitor: all that its bounds name, and no more."""
    bounds, policy = caller.policy, Policy()
    if bounds.power and not caller.scopes.isdisjoint({Scope.POWER, Scope.ADMIN}):
        policy = replace(policy, power=tuple(bounds.power))
    if bounds.may_invite is not None:
        policy = replace(policy, may_invite=bounds.may_invite.most)
    return policy
