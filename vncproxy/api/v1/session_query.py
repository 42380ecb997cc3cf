"""The query of a request about sessions: criteria, and the page of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...model import SessionFilter, SessionPhase, VMAddress
from ..caller import ALL_BACKENDS, Caller
from ..permissions import Permissions
from ..reply import Refusal
from .parameters import LIMIT, Parameter, Query, parse_query


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions are meant: those that meet all criteria given.

    Attributes:
        token_id: the id of a token.
        proxy: the name or id of a proxy.
        from_zone, to_zone: the zone that they come from, or whose consoles they show.
        state: how far they are.
        client: the address of their user.
        limit: how many at most.
        after: where the page begins.
    """

    vm: VMAddress | None = None
    user: str | None = None
    token_id: str | None = None
    proxy: str | None = None
    from_zone: str | None = None
    to_zone: str | None = None
    state: SessionPhase | None = None
    client: str | None = None
    limit: int | None = None
    after: str = ""

    def __str__(self) -> str:
        token = self.token_id[:12] if self.token_id else None
        words = {"vm": self.vm, "user": self.user, "token": token, "proxy": self.proxy}
        return ", ".join(f"{name} {value}" for name, value in words.items() if value is not None)

    def criteria(self, caller: Caller, permissions: Permissions) -> SessionFilter:
        """Return the criteria, for the backends that a caller may touch.

        Raises:
            Refusal: 403, the caller may not use the machine.
        """
        if self.vm is not None:
            permissions.require(caller, self.vm)
        return SessionFilter(
            vm=self.vm,
            user=self.user,
            proxy=self.proxy,
            backends=None if ALL_BACKENDS in caller.backends else caller.backends,
            tokens=None if self.token_id is None else frozenset({self.token_id}),
            from_zone=self.from_zone,
            to_zone=self.to_zone,
            state=self.state,
            client=self.client,
        )


def session_query(args: Query, known: Sequence[Parameter]) -> SessionQuery:
    """Read a query.

    Args:
        known: the parameters that may be given; without ``limit`` among them, one is needed.

    Raises:
        Refusal: 400, a parameter is not known, or is there twice, or all are missing; 422, one has
            a value that is not possible.
    """
    given = parse_query(args, known)
    if not given and LIMIT not in known:
        choice = " or ".join(f"?{each.name}=" for each in known)
        raise Refusal(400, "bad-request", f"at least one of {choice} is needed")
    return SessionQuery(token_id=given.pop("token", None), **given)
