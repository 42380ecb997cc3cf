"""The claims of a signed link that names a machine, and the token that they stand for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from ...errors import PolicyUnsupported, TokenUnknown
from ...model import ConsoleType, Policy, PolicyBounds, SignedLink, Token, VMAddress
from ...text import has_control
from ..bounds import narrowed
from ..policy import check_policy
from ..refusals import IssueRefused
from ..resume import LONGEST_LINK

JTI: Final = "[!-~]{1,256}"
"""The pattern of a link's ``jti``, by which a query may name it."""

Moment = Annotated[float, Field(ge=0, le=1e11)]


def _vm(value: object) -> VMAddress:
    return VMAddress.parse(value if isinstance(value, str) else "")


def _plain(text: str) -> str:
    if has_control(text):
        raise ValueError("has control characters")
    return text


def _jti(text: str) -> str:
    if not re.fullmatch(JTI, text):
        words = "has to be 1 to 256 visible characters of ascii, without spaces"
        raise PydanticCustomError("jti", words)
    return text


class LinkClaims(BaseModel):
    """The claims; those of later versions are refused, not ignored: they may be restrictions.

    Attributes:
        vm: the machine, ``<backend>/<id>``.
        sub: the user.
        jti: of this link, which is then good as often as ``policy.uses`` says, once by default; as
            `JTI` has it.
        iat, exp: seconds since 1970, at most a day apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    vm: Annotated[VMAddress, BeforeValidator(_vm)]
    sub: Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_plain)]
    iat: Moment
    exp: Moment
    jti: Annotated[str, AfterValidator(_jti)] | None = None
    type: ConsoleType = ConsoleType.NOVNC
    policy: Policy = Policy()
    nbf: Any = None
    iss: Any = None
    aud: Any = None


def link_id(signer: str, jti: str) -> str:
    """Return the id of the token of a link; no secret has it, as those have no colon."""
    return hashlib.sha256(f"link:{signer}:{jti}".encode()).hexdigest()


def read_claims(
    claims: dict[str, Any], signer: str, bounds: PolicyBounds, short: str, *, is_over: bool
) -> SignedLink:
    """Return the link that verified claims make.

    Args:
        short: names the link in messages.

    Raises:
        TokenUnknown: a claim is missing, wrong or not known, or asks for more than the signer may.
        PolicyUnsupported: its policy is not enforced here.
    """
    try:
        read = LinkClaims.model_validate(claims)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise TokenUnknown(f"link {short}: {where}: {first['msg'].lower()}") from None
    if not 0 < read.exp - read.iat <= LONGEST_LINK:
        raise TokenUnknown(f"link {short}: its exp is not within {LONGEST_LINK:g} s after its iat")
    policy = _policy(read, claims, bounds, short)
    token = Token(read.vm, read.sub, read.type, policy, read.iat, read.exp, signer=signer)
    return SignedLink(link_id(signer, _name(read, claims)), token, read.iat, is_over)


def _name(read: LinkClaims, claims: dict[str, Any]) -> str:
    """Return what makes a link the same one: its ``jti``, or all that it says."""
    return f"jti:{read.jti}" if read.jti is not None else f"claims:{sorted(claims.items())!r}"


def _policy(read: LinkClaims, claims: dict[str, Any], bounds: PolicyBounds, short: str) -> Policy:
    policy = read.policy
    if read.jti is None:
        if "uses" in claims.get("policy", {}) and policy.uses:
            raise TokenUnknown(f"link {short}: policy.uses needs a jti, by which uses are counted")
        policy = replace(policy, uses=0)
    try:
        # what links may do grows by the configuration alone, and not by an update of the proxy
        return check_policy(narrowed(policy, replace(bounds, power=bounds.power or ())))
    except IssueRefused as e:
        what = f"link {short}: {e.field}: {e.message}"
        if e.reason == PolicyUnsupported.code:
            raise PolicyUnsupported(what) from e
        raise TokenUnknown(what) from e
