"""The token store, and further sources of tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from zope.interface import Interface

from ..model import Grant, Token, TokenStatus, VMAddress


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
