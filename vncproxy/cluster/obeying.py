"""Carries out the orders that concern this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from twisted.logger import Logger

from ..errors import ModeFixed, SessionEnded, StoreUnavailable
from ..model import Changed, Decided, Decision, Identity, Messaged, Mode, SessionFilter
from ..text import printable
from . import deciding
from .order import Kind, Order

_FORGOTTEN: Final = (
    "The process of the session could not reach the token store: the change may hold until the "
    "browser enters again only, or not at all. Try again in a moment."
)


class LocalSessions(Protocol):
    """The sessions of this process, as far as orders concern them."""

    async def end_matching(self, why: SessionEnded, wanted: SessionFilter) -> int:
        """End the sessions that meet criteria; returns how many."""

    async def change(self, session_id: str, mode: Mode, by: str = "") -> Changed:
        """Change what the user of a session may do."""

    async def decide(self, session_id: str, decision: Decision) -> Decided | None:
        """Take an approver's decision; None where there is no such session."""

    async def message(self, session_id: str, text: str, by: str = "") -> Messaged:
        """Show a text to the user of a session."""


class Obedience:
    """Carries out orders.

    Args:
        identity: of this process.
        sessions: its sessions.
        drain: lets this process take no new sessions; does not wait.
    """

    log = Logger()

    def __init__(
        self, identity: Identity, sessions: LocalSessions, drain: Callable[[], object]
    ) -> None:
        self._identity = identity
        self._sessions = sessions
        self._drain = drain

    def concerns(self, order: Order) -> bool:
        """Tell whether an order is for this process."""
        return is_for(order, self._identity)

    async def obey(self, order: Order) -> int:
        """Carry an order out; returns how many sessions it ended."""
        if not self.concerns(order):
            return 0
        match order.kind:
            case Kind.DRAIN:
                self._log(order, 0)
                self._drain()
                return 0
            case Kind.END:
                wanted = replace(order.wanted, proxy=None)
                ended = await self._sessions.end_matching(order.error(), wanted)
                if ended:
                    self._log(order, ended)
                return ended
            case _:  # their givers wait for more than a number
                return 0

    async def answer(self, order: Order) -> dict[str, object]:
        """Carry an order out at once; returns the members of the answer."""
        match order.kind:
            case Kind.DECIDE:
                return {"ended": 0, **await self.decide(order)}
            case Kind.MESSAGE:
                return {"ended": 0, **await self.message(order)}
            case _:
                return {"ended": await self.obey(order)}

    async def change(self, order: Order) -> dict[str, object]:
        """Change the session that an order names; returns the members of the answer."""
        assert order.mode is not None
        (session_id,) = sorted(order.wanted.ids or ())
        try:
            changed = await self._sessions.change(session_id, order.mode, order.by)
        except ModeFixed as e:
            return {"changed": 0, "refused": e.sentence()}
        except StoreUnavailable:
            return {"changed": 0, "refused": _FORGOTTEN}
        return {"changed": int(changed.known), "reenters": changed.reenters}

    async def decide(self, order: Order) -> dict[str, object]:
        """Take an approver's decision about a session; returns the members of the answer."""
        assert order.decision is not None
        for session_id in order.wanted.ids or ():
            decided = await self._sessions.decide(session_id, order.decision)
            if decided is not None:
                return {"decided": deciding.encode(decided)}
        return {}

    async def message(self, order: Order) -> dict[str, object]:
        """Show a message to the user of a session; returns the members of the answer."""
        (session_id,) = sorted(order.wanted.ids or ())
        messaged = await self._sessions.message(session_id, order.text, order.by)
        return {"messaged": int(messaged.known), "shown": messaged.shown}

    def _log(self, order: Order, ended: int) -> None:
        self.log.info(
            "order {order} of {giver}: {kind}, {ended} sessions ended ({reason})",
            order=printable(order.id, 40),
            giver=printable(order.by or order.giver or "an unknown giver", 200),
            kind=order.kind.value,
            ended=ended,
            reason=printable(order.reason, 40),
        )


def is_for(order: Order, identity: Identity) -> bool:
    """Tell whether an order is for a process."""
    return order.worker in ("", identity.worker_id) and order.wanted.proxy in (
        None,
        identity.proxy_id,
        identity.name,
    )
