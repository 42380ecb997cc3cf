"""Machines are started, stopped and reset over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema

from ...answers import Powered
from ...errors import Forbidden
from ...model import Journey, Policy, PowerAction, VMAddress
from ...power import MachinePower
from ..audit import ApiAudit
from ..caller import Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply
from .bodies import VM_SCHEMA, read_vm


class PowerRequest(BaseModel):
    """What is done to which machine.

    Attributes:
        vm: the machine: ``<backend>/<id>``, ``<zone>/<backend>/<id>`` for one of another zone.
        action: ``start`` of a machine that is off; ``shutdown`` and ``reboot`` ask its guest;
            ``reset`` and ``off`` do not, and what it has not saved is lost.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    vm: Annotated[VMAddress, PlainValidator(read_vm), WithJsonSchema(VM_SCHEMA)]
    action: PowerAction


class PowerView:
    """The route of power.

    Args:
        permissions: which machines a caller may use.
        audit: knows how a caller stands in audit lines.
    """

    def __init__(self, power: MachinePower, permissions: Permissions, audit: ApiAudit) -> None:
        self._power = power
        self._permissions = permissions
        self._audit = audit

    async def act(self, caller: Caller, request: PowerRequest) -> Reply[Powered]:
        """Start, stop or reset a machine: 200 when it is done, 202 when it is done later.

        Raises:
            Refusal: 403, the caller may not use the machine, or not do this to any.
            VNCProxyError: see ``IPower``.
        """
        self._permissions.require(caller, request.vm)
        who = self._audit.about(caller)
        most = caller.policy.power
        if most is not None and request.action not in most:
            message = f"the {caller} may not do this to machines, by its policy"
            self._power.refused(request.vm, request.action, Forbidden(message), who)
            raise Refusal(Forbidden.status, Forbidden.code, message, field="action")
        journey = Journey("", caller.name, caller.address, Policy())
        done = await self._power.act(request.vm, request.action, journey, who)
        body: Powered = {"vm": str(request.vm), "action": request.action.value, "done": done}
        return Reply(200 if done else 202, body)
