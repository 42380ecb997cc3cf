"""Tokens without their secrets, and grants: what redeemed tokens allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .address import VMAddress
from .border import Visit
from .endpoint import ConsoleEndpoint
from .joining import Joins
from .policy import ConsoleType, Mode, Policy
from .units import UnixTime


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret.

    Attributes:
        vm: the machine whose console it opens.
        user: the user that it was issued to; the issuer's text, for the audit log.
        type: the viewer it was issued for.
        issued_at: when it was made.
        expires_at: when it can no longer be redeemed.
        visit: the session of another zone that it was issued for; None for a user's own token.
        signer: the token source of a signed link; empty for tokens that were issued.
        joins: the live session that it is bound to; None for a token of its own.
    """

    vm: VMAddress
    user: str
    type: ConsoleType
    policy: Policy
    issued_at: UnixTime
    expires_at: UnixTime
    visit: Visit | None = None
    signer: str = ""
    joins: Joins | None = None

    @property
    def excludes_others(self) -> bool:
        """Whether its sessions share their machine with no other user's."""
        return self.policy.is_exclusive and self.joins is None

    @property
    def excludes_at_server(self) -> bool:
        """Whether the console's server is asked to disconnect its other viewers."""
        return self.excludes_others and self.policy.exclusive_at_server


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """A token as the API shows it: ``uses_left`` is None when the number is unlimited."""

    id: str
    token: Token
    uses_left: int | None


@dataclass(frozen=True, slots=True)
class Once:
    """What is good once, such as the ``jti`` of a signed token: a key, and for how many seconds."""

    key: str
    ttl: float


class Ousted(NamedTuple):
    """A live session that ends because another one begins.

    Attributes:
        name: as `SessionLease` has it.
        why: the code of the reason.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a redeemed token allows.

    Attributes:
        token_id: the id of the token it came from.
        token: that token.
        age: seconds since this use of the token was first taken, by the store's clock.
        resumed: whether a resume cookie, and not a use of the token, was redeemed.
        resume_secret: the secret of the resume cookie to set; None when there is none to set.
        endpoint: where the console is, for tokens of other issuers that name an address instead
            of a machine.
        cookie_id: SHA-256 of the resume cookie, the one to set or the one that was redeemed; empty
            for none.
        claim: the store's id of this session; empty where the store counts no uses.
        once: what a token of another issuer consumes; None where it may be used again.
        replaced: the name, as `SessionLease` has it, of the live session of the same
            resume cookie, which this one replaces in the limits and which is to end; empty for
            none.
        company: how many sessions its machine has, this one included, when it begins; 0 where the
            store does not count it.
        ousted: live sessions that are to end because this one begins.
        mode: what the store remembers for the resume cookie in place of the policy's mode; None for
            nothing.
    """

    token_id: str
    token: Token
    age: float = 0.0
    resumed: bool = False
    resume_secret: str | None = field(default=None, repr=False)
    endpoint: ConsoleEndpoint | None = None
    cookie_id: str = ""
    claim: str = ""
    once: Once | None = None
    replaced: str = ""
    company: int = 0
    ousted: tuple[Ousted, ...] = ()
    mode: Mode | None = None

    @property
    def use(self) -> str:
        """The key of the use that a session has taken, while it is opening."""
        return self.cookie_id or self.claim
