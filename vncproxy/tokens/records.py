"""The JSON form of a token, a public contract: portals write it to Redis themselves.

An unknown member is refused, not ignored: it may be a restriction of a later version. So is a
restriction that is not enforced.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from ..model import ConsoleType, Joins, Policy, Token, UnixTime, Visit, VMAddress
from ..origins import normal_or_as_is

VERSION = 1
"""The value of ``v``; it changes when a reader of the former form would misunderstand it."""


MOST_DECODED = 64
"""Records whose tokens are kept: a redemption reads the same record several times."""


class MalformedRecord(ValueError):
    """A record that this version cannot use; the message names members, never their values."""


def _vm(value: object) -> VMAddress:
    if not isinstance(value, str):
        raise ValueError("a VM is a string, <backend>/<id>")
    return VMAddress.parse(value)


_Moment = Annotated[UnixTime, Field(ge=0, le=1e11)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    v: Literal[1]
    vm: Annotated[
        VMAddress,
        BeforeValidator(_vm),
        PlainSerializer(str, return_type=str),
        WithJsonSchema({"type": "string"}),
    ]
    user: str
    type: ConsoleType
    policy: Policy = Policy()
    issued_at: _Moment
    expires_at: _Moment
    visit: Visit | None = None
    signer: str = ""
    joins: Joins | None = None


def encode(token: Token) -> bytes:
    """Return a token as its JSON record."""
    record = _Record.model_construct(
        v=VERSION,
        vm=token.vm,
        user=token.user,
        type=token.type,
        policy=token.policy,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        visit=token.visit,
        signer=token.signer,
        joins=token.joins,
    )
    # proxies of an earlier version refuse a record with members that they do not know
    left_out: dict[str, bool | set[str]] = {"policy": _unset(token.policy)}
    if token.visit is None:
        left_out["visit"] = True
    if not token.signer:
        left_out["signer"] = True
    if token.joins is None:
        left_out["joins"] = True
    return record.model_dump_json(exclude=left_out).encode()


_LATER = (
    "confirm",
    "clipboard",
    "clipboard_limit",
    "exclusive_at_server",
    "may_invite",
    "banner",
    "approval",
    "not_before",
    "not_after",
    "hours",
    "bandwidth",
    "power",
)
"""Members of a policy that the first version had not."""

_DEFAULT = Policy()


def _unset(policy: Policy) -> set[str]:
    return {name for name in _LATER if getattr(policy, name) == getattr(_DEFAULT, name)}


@lru_cache(MOST_DECODED)
def decode(record: bytes) -> Token:
    """Read a JSON record; its origins get their normal form.

    Raises:
        MalformedRecord: it is not a record of this version, or asks for what is not enforced.
    """
    try:
        read = _Record.model_validate_json(record)
    except ValidationError as e:
        raise MalformedRecord("; ".join(_reasons(e))) from None
    if part := read.policy.not_enforced():
        raise MalformedRecord(f"policy.{part[0]}: {part[1]} is not enforced by this proxy")
    if wrong := read.policy.wrong_time():
        raise MalformedRecord(f"policy.{wrong[0]}: {wrong[1]}")
    policy = read.policy
    if policy.allowed_origins:
        origins = tuple(normal_or_as_is(text) for text in policy.allowed_origins)
        policy = replace(policy, allowed_origins=origins)
    return Token(
        vm=read.vm,
        user=read.user,
        type=read.type,
        policy=policy,
        issued_at=read.issued_at,
        expires_at=read.expires_at,
        visit=read.visit,
        signer=read.signer,
        joins=read.joins,
    )


def _reasons(error: ValidationError) -> list[str]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{'.'.join(map(str, e['loc'])) or 'record'}: {e['msg'].lower()}" for e in found[:5]]
