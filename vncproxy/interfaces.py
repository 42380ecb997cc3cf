"""The seams: only what has two implementations, one of which may be a test double.

Methods promise ``Awaitable[T]``, so an implementation may be ``async def`` or return a Deferred.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel
from zope.interface import Attribute, Interface

from .errors import UpstreamViolation, VNCProxyError
from .model import (
    ConsoleElsewhere,
    ConsoleEndpoint,
    Direction,
    Grant,
    SessionInfo,
    Token,
    TokenStatus,
    VMAddress,
    VMSummary,
)

T = TypeVar("T")


class IConsoleBackend(Interface):
    """A configured hypervisor or cloud that can locate consoles."""

    def locate(vm: str) -> Awaitable[ConsoleEndpoint | ConsoleElsewhere]:
        """Find out where a console is now; never answered from memory.

        Args:
            vm: the id as the token has it, without the backend's name.

        Returns:
            The console's endpoint, or the machine's address in another configured backend, which
            is then asked; that one must know the endpoint.

        Raises:
            VMNotFound: no such machine.
            ConsoleUnavailable: it exists and shows no screen in its state.
            BackendError: the hypervisor's API failed.
        """

    def probe() -> Awaitable[str]:
        """Dial the hypervisor and return one line about it, for ``check-config``.

        What it finds on the way and need not stop anybody, it tells in ``IHasWarnings``.

        Raises:
            BackendError: with what is wrong and what to do about it as detail.
        """

    def close() -> Awaitable[None]:
        """Let go of connections and logins; no further call follows."""


class IConsoleMoves(Interface):
    """A backend whose machines move between hosts while they run, which ends their consoles."""

    def whereabouts(vm: str) -> Awaitable[str]:
        """Return the host of the endpoint that ``locate`` would give now; nothing stays open.

        Empty where it cannot be told.

        Raises:
            VNCProxyError: as ``locate`` does.
        """


class IConsoleRefusals(Interface):
    """A backend that knows what it means when a console's server turns the proxy away.

    It is told of each ``UpstreamViolation`` at an endpoint of its own; after the second one, the
    session is over.
    """

    def relocate(vm: str, refusal: UpstreamViolation) -> Awaitable[ConsoleEndpoint]:
        """Return where the console is now, to be tried once more.

        Args:
            vm: the id that was located.
            refusal: what happened at the endpoint.

        Raises:
            VNCProxyError: what ``locate`` raises; or what the refusal means, where another try
                is of no use.
        """

    def explain(refusal: UpstreamViolation) -> VNCProxyError:
        """Return another error that says what the refusal means."""


class IVMInventory(Interface):
    """A backend that can list its machines."""

    def list() -> Awaitable[Sequence[VMSummary]]:
        """Return the machines that exist now, in any state.

        Raises:
            BackendError: the hypervisor's API failed.
        """


class IKnowsConsoles(Interface):
    """A backend that knows where consoles are before anybody asks for one."""

    def consoles() -> Awaitable[Mapping[str, ConsoleEndpoint]]:
        """Return endpoints by what a warning calls them; ``check-config`` logs in to some.

        Raises:
            BackendError: they cannot be read.
        """


class IHasWarnings(Interface):
    """A backend whose settings may work and still deserve a look."""

    def warnings() -> Sequence[str]:
        """Return one line for each, with what could be done; told at start and by a check."""


class IPointsElsewhere(Interface):
    """A backend that leaves some of its machines to others, by ``ConsoleElsewhere``."""

    def elsewhere() -> Sequence[str]:
        """Return the NAMEs of those backends, as its settings have them."""


class ITokenStore(Interface):
    """Where tokens live. Every call ends within the store's time limit."""

    def issue(token: Token) -> Awaitable[str]:
        """Store a token and return its secret, which is known nowhere else.

        Raises:
            StoreUnavailable: nothing was stored.
        """

    def redeem(
        secret: str,
        resume_secret: str | None = None,
        before_use: Callable[[Token | None], None] | None = None,
    ) -> Awaitable[Grant]:
        """Take one use of a token, or re-enter with the resume cookie; atomic among proxies.

        A resume cookie that fits the token wins and takes no use: the grant takes the place of
        every earlier one of this cookie. Otherwise one use is taken and, for a token of type
        ``novnc`` where resuming is switched on, the grant has a new ``resume_secret``, which is
        good from `confirm` on. A cookie that is not good yet stands for a try of the same browser
        that is still opening: its use is given back first.

        Before a use is taken of a token that has one left, ``before_use`` is called with what it
        says, or with None where another issuer would have to be asked; what it raises is raised
        here, and nothing is taken.

        A use that was given back keeps the moment at which it was first taken, and with it the end
        of the longest duration.

        Raises:
            TokenUnknown, TokenUsed, TokenExpired, TokenRevoked: nothing was taken.
            StoreUnavailable: whether a use was taken is not known.
        """

    def confirm(grant: Grant) -> Awaitable[None]:
        """Take note that a viewer is about to see the console, before it sees anything.

        From now on the use is not given back, and the resume cookie of the grant is good.

        Raises:
            Superseded: another session of the same browser has taken the place of this one.
            TokenRefused: the token was revoked meanwhile, or the store has lost it.
            StoreUnavailable: whether it was noted is not known.
        """

    def restore(grant: Grant) -> Awaitable[None]:
        """Give the use of a grant back, and forget its resume cookie.

        Does nothing once the grant is confirmed, and for a resumed one, which took none. A use that
        is neither confirmed nor given back within ``vncproxy.tokens.resume.OPENING`` seconds
        counts as given back: its proxy died.
        """

    def show(token_id: str) -> Awaitable[TokenStatus]:
        """Return a token that can still be redeemed or resumed.

        Raises:
            TokenUnknown: there is none with this id.
            StoreUnavailable: the store does not answer.
        """

    def revoke(token_id: str) -> Awaitable[bool]:
        """Take a token and its resume cookies back; False when there was none."""

    def revoke_vm(vm: VMAddress) -> Awaitable[Sequence[str]]:
        """Take back all tokens of a machine; returns their ids."""

    def revoke_user(user: str) -> Awaitable[Sequence[str]]:
        """Take back all tokens of a user; returns their ids."""

    def once(key: str, ttl: float) -> Awaitable[bool]:
        """Remember that something was done, for this many seconds; atomic among proxies.

        Returns:
            Whether it is the first time; False as long as the key is remembered.

        Raises:
            StoreUnavailable: whether it is remembered is not known.
        """

    def check() -> Awaitable[None]:
        """Find out at little cost whether tokens can be redeemed now, for ``/readyz``.

        That none can be issued, because the store is full, does not matter.

        Raises:
            StoreUnavailable: with what is wrong as detail.
        """

    def ping() -> Awaitable[str]:
        """Try everything that the store needs; returns one line about it, for ``check-config``.

        Raises:
            StoreUnavailable: with what is wrong as detail.
        """

    def close() -> Awaitable[None]:
        """Let go of connections."""


class IMayForget(Interface):
    """A token store outside this process, which may forget that a token was used or revoked."""

    def losses() -> Awaitable[Sequence[str]]:
        """Return one line for each way in which it may, with what could be done.

        Raises:
            StoreUnavailable: the store does not answer.
        """


class ITokenSource(Interface):
    """Somebody else's tokens, which this proxy accepts beside its own."""

    def redeem(secret: str) -> Awaitable[Grant | None]:
        """Return what a token allows, or None when it is not one of this source.

        Raises:
            TokenRefused: it is one of this source, and no longer good.
            StoreUnavailable: the source does not answer.
        """

    def probe() -> Awaitable[str]:
        """Return one line about the source, for ``check-config``.

        Raises:
            StoreUnavailable: with what is wrong and what to do about it as detail.
        """

    def close() -> Awaitable[None]:
        """Let go of connections."""


class IStage(Interface):
    """One step on the way of a session's bytes, without I/O: a filter, or a rewriter.

    It takes the bytes of one direction in pieces of any size and must give the same result for any
    segmentation. What it keeps of an unfinished message is bounded by itself.
    """

    direction: Direction = Attribute("Whose bytes it takes: a `vncproxy.model.Direction`.")

    def process(data: bytes) -> bytes:
        """Return what goes on now: nothing, or also more than came.

        Raises:
            VNCProxyError: ends the session with this error; nothing more goes on in its direction.
        """


class ISessionObserver(Interface):
    """Who is told about sessions: the audit log, the metrics. It must not fail."""

    def refused(session: SessionInfo, error: VNCProxyError) -> None:
        """A session ended before the user saw a screen."""

    def opened(session: SessionInfo) -> None:
        """Bytes flow; ``seconds`` is how long opening took."""

    def closed(session: SessionInfo, why: VNCProxyError) -> None:
        """An opened session is over."""


class IBlockingCalls(Interface):
    """The bounded threads in which the blocking SDK of one backend or token source runs.

    Each has threads of its own, so that one whose hypervisor hangs delays no other.
    """

    def call(
        timeout: float,
        function: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> Awaitable[T]:
        """Run a blocking function elsewhere than in the reactor's thread.

        Args:
            timeout: seconds, waiting for a free thread included, after which the wait ends; a
                function that has begun goes on, and its result is dropped.
            late: disposes of a result that came after the wait had ended, such as an open file;
                runs in a thread as well.

        Raises:
            BackendError: the time limit passed, or too many calls are unanswered.
        """

    def part(name: str, threads: int = 16) -> IBlockingCalls:
        """Return the same with threads of its own, for one of several hosts that a backend asks.

        A host that hangs then delays no other. Closed together with these calls.

        Args:
            name: stands in what a call is refused with.
            threads: how many functions run there at the same time.
        """


class BackendClass(Protocol):
    """What the core asks of a backend's class.

    Attributes:
        Settings: the table ``[backends.NAME]`` without ``type``, as a pydantic model with
            ``extra="forbid"`` and ``frozen=True``.
    """

    Settings: ClassVar[type[BaseModel]]

    def __call__(self, name: str, settings: Any, calls: Any) -> Any:
        """Make the backend of a table.

        Args:
            name: the table's NAME, for messages.
            settings: an instance of ``Settings``.
            calls: an ``IBlockingCalls``.

        Returns:
            An ``IConsoleBackend``, perhaps also an ``IVMInventory``. It connects when first asked.
        """
