"""The power of the machine of a session: what its page may ask for, within the session's policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..errors import BadRequest, Forbidden, VNCProxyError
from ..filters import XvpPower
from ..model import Journey, Mode, PowerAction
from ..power import MachinePower
from .audit import TOKEN_PREFIX
from .state import SessionState


class PagePower:
    """Answers the request ``power`` of pages, which names an ``action``."""

    def __init__(self, power: MachinePower) -> None:
        self._power = power

    async def answer(self, session: SessionState, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what a page asks for; the answer says whether it is ``done`` already.

        Raises:
            BadRequest: there is no such action.
            Forbidden: the session's policy does not name it.
            PowerTooOften: its link has asked too often.
            VNCProxyError: see `MachinePower.act`.
        """
        action = _action(message.get("action"))
        done = await self.act(session, action)
        return {"action": action.value, "done": done}

    async def act(self, session: SessionState, action: PowerAction) -> bool:
        """Do something to the power of a session's machine; it raises what `answer` does."""
        assert session.grant is not None and session.vm is not None
        who = who_asks(session)
        self._power.allowance.take(session.token_id)
        if (refused := refusal(session, action)) is not None:
            self._power.refused(session.vm, action, refused, who)
            raise refused
        return await self._power.act(session.vm, action, journey_of(session), who)


def refusal(session: SessionState, action: PowerAction) -> Forbidden | None:
    """Return why a session may not do something; None where it may.

    A user who has lost the control of the machine has lost its power, too. One whose link is
    view-only from its beginning has what the policy names.
    """
    assert session.grant is not None
    policy, rights = session.grant.token.policy, session.rights
    if action not in policy.power:
        return Forbidden(
            f"the policy does not name {action.value!r}", public="This link does not allow that."
        )
    if rights.holds or (rights.mode is Mode.VIEW_ONLY and not policy.view_only):
        return Forbidden(
            "the session has lost the control", public="You do not control the machine now."
        )
    return None


def tell_power(session: SessionState, power: MachinePower, machine: str) -> None:
    """Tell a session's page what it may do to the machine's power, if anything.

    Args:
        machine: its name.
    """
    assert session.grant is not None and session.vm is not None
    named = session.grant.token.policy.power
    if named and (offered := power.actions(session.vm).intersection(named)):
        actions = [each.value for each in PowerAction if each in offered]
        session.tell_page("power", actions=actions, machine=machine or session.vm.vm)


_XVP: Final = {2: PowerAction.SHUTDOWN, 3: PowerAction.REBOOT, 4: PowerAction.RESET}
"""The codes of the xvp extension."""


def xvp_power(session: SessionState, power: MachinePower) -> XvpPower | None:
    """Return what answers the xvp messages of a viewer that is not our page; None for nothing."""
    assert session.grant is not None and session.vm is not None
    named = set(session.grant.token.policy.power).intersection(_XVP.values())
    if session.user_request.can_talk or not named & power.actions(session.vm):
        return None
    page = PagePower(power)

    def act(code: int) -> None:
        acting = Deferred.fromCoroutine(page.act(session, _XVP[code]))
        acting.addErrback(failed)

    def failed(failure: Failure) -> None:
        xvp.fail()
        if failure.check(VNCProxyError) is None:
            session.log.failure("session {session}: xvp failed", failure, session=session.id)

    xvp = XvpPower(act)
    return xvp


def who_asks(session: SessionState) -> Mapping[str, object]:
    """Return who asks, for the audit line."""
    return {
        "session": session.id,
        "client": session.user_request.client,
        "user": session.user or None,
        "token": session.token_id[:TOKEN_PREFIX] or None,
    }


def journey_of(session: SessionState) -> Journey:
    """Return what another zone is told of a session that asks it for a machine's power."""
    assert session.grant is not None
    token = session.grant.token
    via = token.visit.via if token.visit else ()
    return Journey(session.id, token.user, session.user_request.client, token.policy, via)


def _action(text: object) -> PowerAction:
    try:
        return PowerAction(text)
    except ValueError as e:
        words = "The gateway does not know what this page asks for."
        raise BadRequest("a page asks for no known power action", public=words) from e
