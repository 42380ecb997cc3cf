"""Signed tokens (JWT) that name a console's host and port, as websockify's ``JWTTokenApi`` reads.

Every holder of the key can open any host and port that the proxy can reach. Encrypted tokens (JWE)
are not supported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import jwt
from pydantic import AfterValidator, Field
from twisted.logger import Logger
from zope.interface import implementer

from ...config.scope import Patterns
from ...errors import ConfigurationError, TokenExpired, TokenUnknown
from ...files import absolute
from ...interfaces import IHasWarnings, ISignedLinks, ITokenSource
from ...model import (
    NO_BOUNDS,
    Grant,
    Once,
    PolicyBounds,
    SignedLink,
    UnixTime,
    VMAddress,
    secret_id,
)
from .context import SourceContext
from .grant import grant
from .jwt_key import VerifyingKey, read_key
from .link_claims import read_claims
from .servers import ServerSettings
from .target import Target

_LONGEST_USER = 255
_END_OF_TIME = 10**11


class SignedTokensSettings(ServerSettings):
    """The table ``[token_sources.NAME]`` of type ``jwt``.

    Attributes:
        key_file: a public key as PEM, or the secret of HMAC in base64url.
        require_exp: whether a token must have a time at which it ends.
        single_use: ``jti`` where a token has that claim, ``always`` demands it, ``never`` ignores
            it.
        leeway: seconds by which clocks may differ.
        audience: one that ``aud`` must name; empty ignores the claim.
        issuer: what ``iss`` must be; empty ignores the claim.
        vms: patterns of the machines that links may name; none where they name host and port only.
        match_names: whether patterns are matched with names, which tenants may choose.
        policy: the most that links to machines may do.
    """

    key_file: Annotated[Path, AfterValidator(absolute("/etc/vncproxy/x"))]
    require_exp: bool = True
    single_use: Literal["jti", "always", "never"] = "jti"
    leeway: Annotated[float, Field(ge=0, le=300)] = 10.0
    audience: str = ""
    issuer: str = ""
    vms: Patterns | None = None
    match_names: bool = False
    policy: PolicyBounds = NO_BOUNDS


@implementer(IHasWarnings, ISignedLinks, ITokenSource)
class SignedTokens:
    """Tokens that are good because of their signature; nothing of them is stored.

    Raises:
        ConfigurationError: the key cannot be used.
    """

    Settings = SignedTokensSettings
    log = Logger()

    def __init__(self, context: SourceContext) -> None:
        self._name = name = context.name
        self._settings: SignedTokensSettings = context.settings
        self._context = context
        try:
            self._key: VerifyingKey = read_key(self._settings.key_file)
        except ConfigurationError as e:
            raise ConfigurationError(f"[token_sources.{name}] key_file: {e.detail}") from e

    async def redeem(self, secret: str) -> Grant | None:
        """Return what a token allows, or None when it is not signed with the key."""
        short = secret_id(secret)[:12]
        match secret.count("."):
            case 2:
                pass
            case 4:
                raise TokenUnknown(f"token {short} is encrypted (JWE), which is not supported")
            case _:
                return None
        try:
            claims = self._claims(secret)
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
            self.log.info(
                "{name}: token {token} is not signed with the key", name=self._name, token=short
            )
            return None
        except jwt.ExpiredSignatureError as e:
            raise TokenExpired(f"token {short} is over, says its exp") from e
        except (jwt.PyJWTError, TypeError, OverflowError) as e:
            raise TokenUnknown(f"token {short} is not good: {_reason(e)}") from e
        target = _target(claims, short)
        endpoint = self._settings.endpoint(target)
        once = self._once(claims, short)
        return grant(
            secret,
            VMAddress(self._name, str(target)),
            endpoint,
            self._context.time(),
            user=_user(claims),
            expires_at=_end(claims),
            once=once,
        )

    async def read_link(self, secret: str) -> SignedLink | None:
        """Return a signed link that names a machine; None for everything else."""
        if self._settings.vms is None or secret.count(".") != 2:
            return None
        short, is_over = secret_id(secret)[:12], False
        try:
            claims = self._claims(secret)
        except jwt.ExpiredSignatureError:
            claims, is_over = self._claims(secret, verify_exp=False), True
        except (jwt.PyJWTError, TypeError, OverflowError):
            return None  # which `redeem` explains
        if "vm" not in claims:
            return None
        if self._settings.single_use == "always" and "jti" not in claims:
            raise TokenUnknown(f"link {short} has no jti, and single_use is always")
        link = read_claims(claims, self._name, self._settings.policy, short, is_over=is_over)
        if link.issued_at > self._context.time() + self._settings.leeway:
            raise TokenUnknown(f"link {short}: its iat is not reached yet")
        return link

    def may_name(self, vm: VMAddress, fixed: str) -> bool:
        """Tell whether a link may name a machine."""
        settings = self._settings
        known = vm.vm if settings.match_names else fixed
        return settings.vms is not None and settings.vms.accepts(vm, known)

    async def probe(self) -> str:
        """Tell what tokens have to be signed with."""
        return f"tokens signed with {self._key}"

    def warnings(self) -> Sequence[str]:
        """Return what may be wrong in the table."""
        return self._settings.warnings()

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _claims(self, secret: str, *, verify_exp: bool = True) -> dict[str, Any]:
        settings = self._settings
        claims: dict[str, Any] = jwt.decode(
            secret,
            self._key.key,
            algorithms=list(self._key.algorithms),
            audience=settings.audience or None,
            issuer=settings.issuer or None,
            leeway=settings.leeway,
            options={
                "require": ["exp"] if settings.require_exp else [],
                "verify_aud": bool(settings.audience),
                "verify_iss": bool(settings.issuer),
                "verify_iat": False,
                "verify_exp": verify_exp,
            },
        )
        return claims

    def _once(self, claims: dict[str, Any], short: str) -> Once | None:
        """Return what a token consumes that is good once, among all proxies."""
        single, jti = self._settings.single_use, claims.get("jti")
        if single == "never" or (single == "jti" and jti is None):
            return None
        if not isinstance(jti, str) or "exp" not in claims:
            raise TokenUnknown(f"token {short} has no jti and exp, which one that is good once has")
        left = max(0.0, _end(claims) - self._context.time()) + self._settings.leeway + 1
        return Once(f"jwt:{self._name}:{secret_id(jti)}", left)


def _target(claims: dict[str, Any], short: str) -> Target:
    try:
        return Target.of(claims.get("host"), claims.get("port"))
    except ValueError as e:
        raise TokenUnknown(f"token {short} names no console: {e}") from e


def _end(claims: dict[str, Any]) -> UnixTime:
    return float(min(int(claims["exp"]), _END_OF_TIME)) if "exp" in claims else math.inf


def _user(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    text = subject[:_LONGEST_USER] if isinstance(subject, str) else ""
    return text.encode("utf-8", "replace").decode()  # JSON can hold halves of surrogate pairs


def _reason(error: Exception) -> str:
    """Return what is wrong, without what the token holds."""
    match error:
        case jwt.ImmatureSignatureError():
            return "its nbf is not reached yet"
        case jwt.MissingRequiredClaimError():
            return f"it has no {error.claim}"
        case jwt.InvalidAudienceError():
            return "its aud is for somebody else"
        case jwt.InvalidIssuerError():
            return "its iss is somebody else"
        case _:
            return type(error).__name__
