"""Requests from zone to zone: signed JWTs (RFC 7519), good once and for seconds.

The whole request is signed, so that nothing beside it can change what is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import jwt
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from ..errors import (
    ZoneClock,
    ZoneError,
    ZoneKeyExpired,
    ZoneKeyRefused,
    ZonePolicyRefused,
    ZoneUnknown,
)
from ..model import Mode, Policy, PowerAction, UnixTime, new_secret
from ..text import has_control
from .keys import PrivateKey, PublicKey

LIFETIME: Final = 30
"""Seconds that a request is good for."""

LEEWAY: Final = 30
"""Seconds by which the clocks of two zones may differ."""

TYPE: Final = "vncproxy-zone+jwt"
_ALGORITHM: Final = "EdDSA"
_LONGEST: Final = 12288
_ALL: Final = "*"


def _without_control(text: str) -> str:
    if has_control(text):
        raise ValueError("has control characters, or some that turn text around")
    return text


Moment = Annotated[int, Field(ge=0, le=10**11)]
ZoneName = Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\z")]
Id = Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9_-]{1,64}\z")]
User = Annotated[str, StringConstraints(max_length=256), AfterValidator(_without_control)]


class Act(StrEnum):
    """What a request asks for."""

    TOKEN = "token"  # noqa: S105 a word, no secret
    CHECK = "check"
    ABOUT = "about"
    LINK = "link"
    TUNNEL = "tunnel"
    POWER = "power"


class Request(BaseModel):
    """A request as it is signed; members of later versions are refused, not ignored.

    Attributes:
        iss: the zone that asks.
        aud: the zone that is asked.
        iat, exp: seconds since 1970, by the clock of the zone that asks.
        jti: random, of this request alone.
        act: what is asked for.
        vm: the machine, as the asked zone calls it.
        sub: the user.
        session: the id of the session in the zone that asks; None for a question without one.
        via: the zones that the session has passed, the user's first and ``iss`` last.
        policy: what the session must be restricted to.
        action: what is to be done to the machine's power; of `Act.POWER` alone.
        tunnel: which connection that was asked for over a link this is; of `Act.TUNNEL` alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    iss: ZoneName
    aud: ZoneName
    iat: Moment
    exp: Moment
    jti: Id
    act: Act
    vm: Annotated[str, StringConstraints(max_length=320)] = ""
    sub: User = ""
    session: Id | None = None
    via: Annotated[tuple[ZoneName, ...], Field(max_length=16)] = ()
    policy: Policy = Policy()
    action: PowerAction | None = None
    tunnel: Id | None = None


@dataclass(frozen=True, slots=True)
class AcceptedKey:
    """A key of another zone.

    Attributes:
        until: when it is accepted no more; None for no end.
    """

    key: PublicKey
    until: UnixTime | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Another zone, as far as it may ask this one.

    Attributes:
        keys: those that it may sign with, two while one replaces the other.
        backends: the backends, and zones, whose machines it may see, or ``*``.
        hops: the most zones that a session may have passed when it comes from there.
        max_duration, idle_timeout: the most seconds that its sessions may have; None for any.
        mode: view-only allows its users no control.
        power: what its users may do to the power of machines.
    """

    name: str
    keys: tuple[AcceptedKey, ...] = field(default=(), repr=False)
    backends: frozenset[str] = frozenset()
    hops: int = 1
    max_duration: float | None = None
    idle_timeout: float | None = None
    mode: Mode = Mode.CONTROL
    power: frozenset[PowerAction] = frozenset()

    def may_see(self, backend: str) -> bool:
        """Return whether it may see the machines of a backend, or of another zone."""
        return backend in self.backends or _ALL in self.backends


def sign(request: Request, key: PrivateKey) -> str:
    """Return a request as it is sent."""
    claims = request.model_dump(mode="json", exclude_defaults=True)
    headers = {"kid": key.id, "typ": TYPE}
    return jwt.encode(claims, key.key, algorithm=_ALGORITHM, headers=headers)


def new_request(act: Act, iss: str, aud: str, now: UnixTime, **more: Any) -> Request:
    """Return a request that is good from now on."""
    moment = int(now)
    return Request(
        iss=iss, aud=aud, iat=moment, exp=moment + LIFETIME, jti=new_secret(), act=act, **more
    )


def verify(text: str, zone: str, peers: Mapping[str, Peer], now: UnixTime) -> tuple[Request, Peer]:
    """Return a request and the zone that it comes from.

    Whether it came before, and whether the zone may have what it asks for, is not checked.

    Args:
        zone: the name of this zone.
        peers: the zones that may ask, by name.

    Raises:
        ZoneUnknown: it comes from another zone, or is for another one.
        ZoneKeyRefused: it is not signed with a key of that zone.
        ZoneKeyExpired: it is, with a key whose time is over.
        ZoneClock: its time is over, or has not come.
        ZonePolicyRefused: it has a member that this version does not know.
    """
    named, key_id = _unverified(text)
    peer = peers.get(named)
    if peer is None or not peer.keys:
        raise ZoneUnknown(f"a request of the zone {named!r}, which may not ask here")
    accepted = _key(peer, key_id)
    request = _request(_signed_claims(text, accepted, peer), peer)
    if accepted.until is not None and now >= accepted.until:
        raise ZoneKeyExpired(
            f"key {key_id} of the zone {named} was accepted until {_moment(accepted.until)}"
        )
    if request.aud != zone:
        raise ZoneUnknown(f"the zone {named} asks the zone {request.aud!r}, and this is {zone!r}")
    _check_clock(request, now)
    return request, peer


def key_id(text: str) -> str:
    """Return the id of the key that a verified request was signed with."""
    return _unverified(text)[1]


def _unverified(text: str) -> tuple[str, str]:
    """Return the zone and the key that a request names, to look the key up."""
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as e:
        raise ZoneKeyRefused("not a signed request") from e
    if header.get("typ") != TYPE or header.get("alg") != _ALGORITHM:
        raise ZoneKeyRefused("not a request of a zone")
    return str(claims.get("iss"))[:64], str(header.get("kid"))[:64]


def _key(peer: Peer, key_id: str) -> AcceptedKey:
    for each in peer.keys:
        if each.key.id == key_id:
            return each
    known = ", ".join(each.key.id for each in peer.keys)
    raise ZoneKeyRefused(f"key {key_id!r} is none of the zone {peer.name}; known are {known}")


def _signed_claims(text: str, accepted: AcceptedKey, peer: Peer) -> Any:
    options: Any = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud"), False)
    try:
        return jwt.decode(text, accepted.key.key, algorithms=[_ALGORITHM], options=options)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as e:
        raise ZoneKeyRefused(
            f"not signed with the key {accepted.key.id} of the zone {peer.name}"
        ) from e


def _request(claims: Any, peer: Peer) -> Request:
    try:
        request = Request.model_validate(claims)
    except ValidationError as e:
        found = e.errors(include_url=False, include_input=False, include_context=False)
        words = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:3])
        raise ZonePolicyRefused(f"a request of the zone {peer.name}: {words}") from e
    if wrong := request.policy.wrong_time():
        field, message = wrong
        raise ZonePolicyRefused(f"a request of the zone {peer.name}: policy.{field}: {message}")
    return request


def _check_clock(request: Request, now: UnixTime) -> None:
    early, late = request.iat - LEEWAY, min(request.exp, request.iat + LIFETIME) + LEEWAY
    if early <= now <= late:
        return
    raise ZoneClock(
        f"a request of the zone {request.iss} from {_moment(request.iat)}, and it is "
        f"{_moment(now)} here: {abs(now - request.iat):.0f} s of difference; {LEEWAY} s are allowed"
    )


def _moment(when: UnixTime) -> str:
    return datetime.fromtimestamp(int(when), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def narrowed(policy: Policy, peer: Peer) -> Policy:
    """Return what a session gets: what was asked for, or less where the zone allows less.

    The user's network and the page's origin are checked in the user's zone; a machine's power is
    asked for by a request of its own.
    """
    return replace(
        policy,
        mode=Mode.VIEW_ONLY if peer.mode is Mode.VIEW_ONLY else policy.mode,
        max_duration=_least(policy.max_duration, peer.max_duration),
        idle_timeout=_least(policy.idle_timeout, peer.idle_timeout),
        client_networks=(),
        allowed_origins=(),
        uses=1,
        confirm=False,
        may_invite=None,
        power=(),
    )


def _least(*seconds: float | None) -> float | None:
    return min((each for each in seconds if each is not None), default=None)


def passed(via: Sequence[str]) -> str:
    """Return zones as words."""
    return " -> ".join(via)


__all__ = [
    "LEEWAY",
    "LIFETIME",
    "AcceptedKey",
    "Act",
    "Peer",
    "Request",
    "ZoneError",
    "key_id",
    "narrowed",
    "new_request",
    "passed",
    "sign",
    "verify",
]
