"""Keys are typed at the consoles of machines over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.http_headers import Headers

from ...answers import TypedKeys
from ...config.scope import Scope
from ...errors import EndedByAdministrator, KeysInterrupted, StoreUnavailable, VNCProxyError
from ...keyboard import Typed, TypingOrder
from ...model import Policy, Sharing, VMAddress
from ...tokens.bounds import narrowed
from ..audit import ApiAudit
from ..authentication import IAuthenticator, authenticate
from ..caller import Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply, error_body
from .typing_bodies import TypeRequest, WrongStep, script_of

KEY_CHECKED: Final = 1.0
"""Seconds between two looks whether the key that types is still good."""


class TypingSession(Protocol):
    """A session that types."""

    @property
    def id(self) -> str:
        """The session's id."""

    @property
    def ending(self) -> bool:
        """Whether it is ending."""

    def cancel(self, why: VNCProxyError) -> None:
        """End it."""


Types = Callable[[TypingOrder, Callable[[TypingSession], object]], Awaitable[Typed]]
"""Types at a console, and returns what was typed; a cancelled call ends the session.

With what is called with the session when it begins.
"""


class TypingView:
    """The route of keys.

    Args:
        type_keys: types at consoles; None where that is not to be had.
        authenticators: know whether a key is still good.
        clock: for the time between two looks at it.
    """

    def __init__(
        self,
        type_keys: Types | None,
        permissions: Permissions,
        authenticators: Sequence[IAuthenticator],
        audit: ApiAudit,
        clock: IReactorTime,
    ) -> None:
        self._type_keys = type_keys
        self._permissions = permissions
        self._authenticators = authenticators
        self._audit = audit
        self._clock = clock

    async def type_keys(
        self, caller: Caller, request: TypeRequest, vm: VMAddress | None, headers: Headers
    ) -> Reply[TypedKeys]:
        """Type at a machine's console by a session of its own: 200 when all has arrived.

        Args:
            vm: from the query.
            headers: of the request, with the key.

        Raises:
            Refusal: 403, the caller may not use the machine; 422, the request names none, or two.
            KeysInterrupted: not everything was typed.
            VNCProxyError: there is no console, or the key's policy does not let it type.
        """
        vm = _one(request.vm, vm)
        self._permissions.require(caller, vm)
        try:
            script = script_of(request)
        except WrongStep as e:
            return self._wrong(caller, e)
        if self._type_keys is None:
            raise Refusal(501, "not-installed", "this proxy does not type")
        order = TypingOrder(
            vm,
            request.user or caller.name,
            caller.address,
            _policy(caller, take_over=request.take_over),
            script,
            request.codes,
            request.take_over,
        )
        return await self._type(self._type_keys, caller, order, headers)

    async def _type(
        self, type_keys: Types, caller: Caller, order: TypingOrder, headers: Headers
    ) -> Reply[TypedKeys]:
        typed, session = 0, ""

        def begun(live: TypingSession) -> None:
            nonlocal session
            session = live.id
            Deferred.fromCoroutine(self._end_with_key(live, caller, order.vm, headers))

        try:
            done = await type_keys(order, begun)
            typed = done.strokes
        except KeysInterrupted as e:
            typed = e.typed
            raise
        finally:
            self._audit.typed(caller, order, session, typed)
        return Reply(200, _body(order, done))

    async def _end_with_key(
        self, session: TypingSession, caller: Caller, vm: VMAddress, headers: Headers
    ) -> None:
        """End a session once its key is revoked, or may type there no more."""
        while True:
            await deferLater(self._clock, KEY_CHECKED)
            if session.ending:
                return
            if not await self._still_may(vm, headers):
                session.cancel(EndedByAdministrator(f"the {caller} is not good any more"))
                return

    async def _still_may(self, vm: VMAddress, headers: Headers) -> bool:
        """Return whether a key is good; an outage of the store ends no session."""
        try:
            caller = await authenticate(self._authenticators, headers)
            caller.require_scope(Scope.TYPE)
        except StoreUnavailable:
            return True
        except VNCProxyError:
            return False
        return self._permissions.allow(caller, vm)

    def _wrong(self, caller: Caller, error: WrongStep) -> Reply[TypedKeys]:
        """Answer what cannot be typed; the audit log does not quote it."""
        told, audited = (
            Reply(422, error_body("invalid-field", message, error.field))
            for message in (str(error), error.shown)
        )
        self._audit.refused(caller, "POST", "/v1/screen/keys", audited)
        return told  # type: ignore[return-value]  # an error has another shape


def _one(in_body: VMAddress | None, in_query: VMAddress | None) -> VMAddress:
    vm = in_body or in_query
    if vm is None:
        raise Refusal(422, "invalid-field", "is required", field="vm")
    if in_query not in (None, vm):
        raise Refusal(422, "invalid-field", "the query names another machine", field="vm")
    return vm


def _policy(caller: Caller, *, take_over: bool) -> Policy:
    """Return the policy of a session that types, within the bounds of its caller."""
    asked = Policy(sharing=Sharing.TAKE_OVER) if take_over else Policy()
    return narrowed(asked, caller.policy)


def _body(order: TypingOrder, done: Typed) -> TypedKeys:
    return {
        "vm": str(order.vm),
        "session": done.session,
        "keys": done.strokes,
        "characters": order.script.characters,
        "seconds": round(done.seconds, 3),
        "sent": "codes" if done.codes else "keysyms",
    }
