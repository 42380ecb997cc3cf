"""Sessions: one at a moment, criteria that choose some, and how many of them ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from .address import VMAddress
from .border import Border
from .decision import Approval
from .joining import Joins
from .policy import DEFAULT_POLICY, ConsoleType, Mode, Policy
from .units import UnixTime


class Direction(Enum):
    """The direction of bytes: from the user's viewer to the console's server, or back."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


class SessionPhase(Enum):
    """How far a session is.

    Attributes:
        WAITING: for the consent of its user, or for the approval of others.
    """

    OPENING = "opening"
    WAITING = "waiting"
    OPEN = "open"


KEYS = "keys"
"""The kind of a session that has no viewer, and types."""

LOCAL = "local"
"""The host of a console that is reached on this machine without a network."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session at one moment; attributes that are not known yet are empty.

    Attributes:
        id: shown to the user and in the log.
        client: the user's address, without a port.
        started_at: when the user's request arrived.
        seconds: since then.
        bytes_down: payload to the user.
        bytes_up: payload from the user.
        host: the console's host as it is dialled; `LOCAL` on this machine.
        proxy: the name of the proxy that serves the session.
        zone: the zone of that proxy.
        proxy_id: the id of that proxy, which differs at each of its starts.
        signer: as `Token` has it.
        mode: whether the user may control the machine now.
        held: whether that is ``view-only`` for a while only, since another session drives.
        policy_mode: what the policy of its link says; None where that is not known here.
        side: of an ended session, which leg ended first: ``downstream`` or ``upstream``; empty
            where the proxy itself ended it.
        border: the zones that it comes from and goes to; None for a session within one zone.
        policy: what its token allows; the default one until it is redeemed.
        joins: the live session that it has joined; None for a session of its own.
        state: how far it is.
        approval: how far it is approved; None where it needs no approval.
        types: whether it has no viewer: the proxy types what a caller of the API asks for.
    """

    id: str
    type: ConsoleType
    client: str
    started_at: UnixTime
    token_id: str = ""
    vm: VMAddress | None = None
    user: str = ""
    seconds: float = 0.0
    bytes_down: int = 0
    bytes_up: int = 0
    host: str = ""
    proxy: str = ""
    zone: str = ""
    side: str = ""
    border: Border | None = None
    proxy_id: str = ""
    signer: str = ""
    mode: Mode = Mode.CONTROL
    held: bool = False
    policy_mode: Mode | None = None
    policy: Policy = DEFAULT_POLICY
    joins: Joins | None = None
    state: SessionPhase = SessionPhase.OPEN
    approval: Approval | None = None
    types: bool = False

    @property
    def kind(self) -> str:
        """What it is for, in a word: the type of its viewer, or ``keys``."""
        return KEYS if self.types else self.type.value

    @property
    def cursor(self) -> str:
        """As `cursor_of` has it."""
        return cursor_of(self)


class KnownSession(Protocol):
    """What a session is known by."""

    @property
    def id(self) -> str:
        """The session's id."""

    @property
    def started_at(self) -> UnixTime:
        """When it began."""

    @property
    def token_id(self) -> str:
        """The id of its token; empty until it is redeemed."""

    @property
    def vm(self) -> VMAddress | None:
        """Its machine."""

    @property
    def user(self) -> str:
        """Its user."""

    @property
    def client(self) -> str:
        """The address of its user."""

    @property
    def proxy(self) -> str:
        """The name of its proxy."""

    @property
    def proxy_id(self) -> str:
        """The id of its proxy."""

    @property
    def border(self) -> Border | None:
        """The zones that it comes from and goes to."""

    @property
    def signer(self) -> str:
        """The token source whose signed link it has; empty for none."""

    @property
    def state(self) -> SessionPhase:
        """How far it is."""


def cursor_of(session: KnownSession) -> str:
    """Return where a session stands among all, oldest first; compared as text."""
    return f"{max(0, int(session.started_at * 1e6)):017}-{session.id}"


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Criteria that a session has to meet, all of those that are given.

    Attributes:
        proxy: the name or the id of its proxy.
        backends: the names of which its machine's backend is to be one; a session without a
            machine has none.
        ids: its id is to be one of them.
        tokens: ids of tokens, of which its own is to be one.
        from_zone: the zone that it comes from.
        to_zone: the zone whose console it shows.
        signer: the token source whose signed link it has.
        state: how far it is.
        client: the address of its user.
    """

    vm: VMAddress | None = None
    user: str | None = None
    proxy: str | None = None
    backends: frozenset[str] | None = None
    ids: frozenset[str] | None = None
    tokens: frozenset[str] | None = None
    from_zone: str | None = None
    to_zone: str | None = None
    signer: str | None = None
    state: SessionPhase | None = None
    client: str | None = None

    def accepts(self, session: KnownSession) -> bool:
        """Tell whether a session meets them."""
        return (
            self.vm in (None, session.vm)
            and self.user in (None, session.user)
            and self.signer in (None, session.signer)
            and self.state in (None, session.state)
            and self.client in (None, session.client)
            and self.proxy in (None, session.proxy, session.proxy_id)
            and (self.ids is None or session.id in self.ids)
            and (self.tokens is None or session.token_id in self.tokens)
            and self._accepts_backend(session.vm)
            and self._accepts_border(session.border or Border())
        )

    def _accepts_backend(self, vm: VMAddress | None) -> bool:
        return self.backends is None or (vm is not None and vm.backend in self.backends)

    def _accepts_border(self, border: Border) -> bool:
        return self.from_zone in (None, border.from_zone) and self.to_zone in (None, border.to_zone)


ANY_SESSION = SessionFilter()
"""No criterion."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A process that did not answer an order in time.

    Attributes:
        proxy: the proxy's id.
        name: the proxy's name.
        worker: the process's id.
    """

    proxy: str
    name: str
    worker: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How many sessions ended; it is true when any did.

    Attributes:
        unconfirmed: processes that did not answer in time, whose sessions are not counted.
    """

    count: int
    unconfirmed: tuple[Unconfirmed, ...] = ()

    def __bool__(self) -> bool:
        return self.count > 0

    def __int__(self) -> int:
        return self.count

    def __add__(self, other: Ended) -> Ended:
        more = tuple(each for each in other.unconfirmed if each not in self.unconfirmed)
        return Ended(self.count + other.count, self.unconfirmed + more)


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of the change of a session's mode.

    Attributes:
        known: whether there is such a session.
        reenters: whether its page enters the console again, as a session with another id.
        unconfirmed: the process that has the session, where it did not answer in time.
    """

    known: bool
    reenters: bool = False
    unconfirmed: tuple[Unconfirmed, ...] = ()


@dataclass(frozen=True, slots=True)
class Messaged:
    """What became of a message to the user of a session.

    Attributes:
        known: whether there is such a session.
        shown: whether it was sent to a page, which shows it; native viewers cannot.
        unconfirmed: the process that has the session, where it did not answer in time.
    """

    known: bool
    shown: bool = False
    unconfirmed: tuple[Unconfirmed, ...] = ()
