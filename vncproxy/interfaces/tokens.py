"""The token store, and further sources of tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from zope.interface import Interface

from ..model import Grant, Mode, SessionLease, SignedLink, Token, TokenStatus, VMAddress


class BeforeUse(Protocol):
    """What is called with a token before a session begins by it."""

    def __call__(self, token: Token | None, *, enters_again: bool = False) -> None:
        """Raise what must cost no use, and no other session its place.

        Args:
            token: None for that of another issuer, which has not been asked yet.
            enters_again: whether the user has opened the console before, and takes no further use.
        """


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
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Awaitable[Grant]:
        """Take one use of a token, or re-enter with the resume cookie; atomic among proxies.

        A resume cookie of the token takes no use: the grant replaces every earlier one of this
        cookie. Otherwise one use is taken and, for a token of type ``novnc`` where resuming is
        enabled, the grant has a new ``resume_secret``, valid from `confirm` on. A cookie that is
        not valid yet belongs to a session of the same browser that is still opening: its use is
        given back first.

        Before a use is taken of a token that has one left, and before a cookie enters again,
        ``before_use`` is called with the token; before another issuer is asked, with None, and
        then with what that has answered. What it raises is raised here: no use is taken, and no
        other session ends.

        A use that was given back keeps the time at which it was first taken, from which the
        longest duration counts.

        With a lease the session is counted for its machine, its user and its address, in the same
        step, until `leave` is called or its process dies. A session that replaces a live one of its
        cookie takes that one's place.
        Which sessions may be there together by their policies is decided in the same step; the
        grant's ``ousted`` are those that have to end, and are not counted any more.

        Raises:
            TokenUnknown, TokenUsed, TokenExpired, TokenRevoked: no use was taken.
            OverLimit: there are too many sessions; nothing was changed.
            ConsoleOccupied: its policy, or that of another session of the machine, lets it not
                begin beside that one; nothing was changed.
            StoreUnavailable: whether a use was taken is not known.
        """

    def enter(grant: Grant, lease: SessionLease | None = None) -> Awaitable[Grant]:
        """Count the session of another issuer's token, and consume what is good once; atomic.

        Returns the grant with what it becomes known by that, as `redeem` does.

        Raises:
            TokenUsed: ``grant.once`` was consumed before.
            OverLimit, ConsoleOccupied: as `redeem` raises them; nothing was consumed.
            StoreUnavailable: whether it was done is not known.
        """

    def leave(lease: SessionLease, token: Token) -> None:
        """Stop counting a session; never fails, and other processes may learn of it later.

        A machine that it had to itself is kept for the next session of its user for as long as the
        lease says, unless another one takes it over.
        """

    def confirm(grant: Grant) -> Awaitable[None]:
        """Record that a viewer is about to see the console, before it sees anything.

        From now on the use is not given back, and the grant's resume cookie is valid. In the same
        step, a `Grant.mode` is remembered for the cookie.

        Raises:
            Superseded: another session of the same browser has replaced this one.
            TokenRefused: the token was revoked meanwhile, or the store has lost it.
            StoreUnavailable: whether it was recorded is not known.
        """

    def restore(grant: Grant) -> Awaitable[None]:
        """Give the use of a grant back, or what it consumed, and forget its resume cookie.

        Does nothing for a confirmed grant, nor for a resumed one, which took no use. A use that is
        neither confirmed nor given back within ``vncproxy.tokens.resume.OPENING`` seconds
        counts as given back: its proxy died.
        """

    def renew(grant: Grant, within: float | None = None) -> Awaitable[str]:
        """Give the resume cookie of a grant another secret; the old one is good no more.

        The right to re-enter stays the same, its end included. It lets a browser enter at another
        address, to which it does not send the cookie.

        Args:
            within: seconds within which the secret is to be renewed once more, for one that stands
                in a URL; None for as long as the right lasts.

        Raises:
            TokenExpired, TokenRevoked: the right has ended.
            StoreUnavailable: whether it was done is not known.
        """

    def remember_mode(grant: Grant, mode: Mode) -> Awaitable[bool]:
        """Remember what all later sessions of a grant's resume cookie may do, `Grant.mode`.

        Returns:
            False where nothing is remembered: the cookie is not valid yet or no more, or there is
            none.

        Raises:
            Superseded: the cookie has a newer session than the grant's; nothing is remembered.
            StoreUnavailable: whether it is remembered is not known.
        """

    def show(token_id: str) -> Awaitable[TokenStatus]:
        """Return a token that can still be redeemed or resumed.

        Raises:
            TokenUnknown: there is none with this id.
            StoreUnavailable: the store does not answer.
        """

    def revoke(token_id: str) -> Awaitable[bool]:
        """Revoke a token and its resume cookies; False when there was none."""

    def revoke_vm(vm: VMAddress) -> Awaitable[Sequence[str]]:
        """Revoke all tokens of a machine; returns their ids."""

    def revoke_user(user: str) -> Awaitable[Sequence[str]]:
        """Revoke all tokens of a user; returns their ids."""

    def check() -> Awaitable[None]:
        """Check at little cost whether tokens can be redeemed now, for ``/readyz``.

        A store that is full, so that no token can be issued, passes.

        Raises:
            StoreUnavailable: its detail says what is wrong.
        """

    def ping() -> Awaitable[str]:
        """Try every operation of the store; returns one line about it, for ``check-config``.

        Raises:
            StoreUnavailable: its detail says what is wrong.
        """

    def close() -> Awaitable[None]:
        """Close connections."""


class ILinkStore(Interface):
    """A token store that also redeems links which portals have signed, and revokes them."""

    def redeem_link(
        link: SignedLink,
        resume_secret: str | None = None,
        before_use: BeforeUse | None = None,
        lease: SessionLease | None = None,
    ) -> Awaitable[Grant]:
        """Redeem a signed link as ``ITokenStore.redeem`` does a token; its first use makes it one.

        Raises:
            TokenRevoked: it, its signer or its user was revoked.
            VNCProxyError: as ``ITokenStore.redeem``.
        """

    def revoke_link(token_id: str) -> Awaitable[bool]:
        """Revoke a signed link, also one that was never used; False where it never was."""

    def revoke_links_of_user(user: str) -> Awaitable[None]:
        """Refuse the links that were signed for a user until now."""

    def revoke_signer(signer: str) -> Awaitable[None]:
        """Refuse all links of a signer from now on."""


class ISignedLinks(Interface):
    """A token source that reads signed links to machines of backends."""

    def read_link(secret: str) -> Awaitable[SignedLink | None]:
        """Return a link; None for what is none of this source.

        Raises:
            TokenRefused, PolicyUnsupported: it is of this source, and not good.
        """

    def may_name(vm: VMAddress, fixed: str) -> bool:
        """Tell whether a link may name a machine.

        Args:
            fixed: the part of its id that no tenant can choose, as `IMachineIds` has it.
        """


class IMayForget(Interface):
    """A token store that may lose the record that a token was used or revoked."""

    def losses() -> Awaitable[Sequence[str]]:
        """Return one line for each possible cause of a loss, with what could be done.

        Raises:
            StoreUnavailable: the store does not answer.
        """


class IHasSentinels(Interface):
    """A token store or source whose server sentinels may know."""

    def sentinels() -> Awaitable[Sequence[tuple[str, str, str]]]:
        """Return what each sentinel says: its address, a text, and what to do about it.

        The last is empty where all is well; there is no entry where no sentinel is configured.
        """


class ITokenSource(Interface):
    """Tokens of another issuer, which this proxy accepts besides its own."""

    def redeem(secret: str) -> Awaitable[Grant | None]:
        """Return a token's grant, or None for a token that is not of this source.

        Raises:
            TokenRefused: it is of this source, and no longer valid.
            StoreUnavailable: the source does not answer.
        """

    def probe() -> Awaitable[str]:
        """Return one line about the source, for ``check-config``.

        Raises:
            StoreUnavailable: its detail says what is wrong and what to do about it.
        """

    def close() -> Awaitable[None]:
        """Close connections."""
