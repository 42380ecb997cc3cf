"""What types at consoles, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..keyboard import Typed, TypingOrder
from ..model import VMAddress
from ..session.registry import SessionRegistry
from ..session.session import Session
from ..together.viewers import require_room
from ..typist.machine_turns import MachineTurns
from ..typist.typing import Typing

TypeKeys = Callable[[TypingOrder, Callable[[Session], object]], Awaitable[Typed]]


def make_typing(sessions: SessionRegistry, turns: MachineTurns) -> TypeKeys:
    """Return what types at the consoles of machines, at each of them one after the other."""

    async def has_room(vm: VMAddress) -> None:
        await require_room(sessions.services.backends, vm)

    return Typing(sessions, has_room, turns).type_keys
