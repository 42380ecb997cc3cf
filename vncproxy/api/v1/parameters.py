"""Parameters of queries: how each is read, and what the description of the API says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...model import SessionPhase, VMAddress
from ...screenshots.formats import QUALITY as USUAL_QUALITY
from ...screenshots.formats import ImageFormat
from ...text import has_control
from ...tokens.external.link_claims import JTI as JTI_OF_LINK
from ...tokens.issuing import MOST_HOPS
from ..reply import Refusal
from .bodies import USER_SCHEMA, VM_SCHEMA, User

LONGEST_PAGE = 1000
"""Sessions of a page."""

LONGEST_SIDE = 16384
"""Pixels of an image from left to right, and from top to bottom."""

LONGEST_ADDRESS = 64
"""Characters of the address of a user."""

BEST_QUALITY = 100
"""Of an image."""

TOKEN_ID = re.compile(r"[0-9a-f]{64}")
_CURSOR = re.compile(r"[0-9]{1,20}-[\w.-]{1,64}", re.ASCII)
_ZONE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_SIGNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_JTI = re.compile(rf"{_SIGNER.pattern}/{JTI_OF_LINK}", re.ASCII)
_USER: TypeAdapter[str] = TypeAdapter(User)

Query = Mapping[bytes, Sequence[bytes]]
"""The parameters of a request, as Twisted has them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query.

    Attributes:
        text: what it is, for people.
        parse: returns its value, or raises `Refusal` with its name as the field.
        schema: JSON Schema of the text.
    """

    name: str
    text: str
    parse: Callable[[str], Any]
    schema: Mapping[str, object]


def parse_vm(text: str) -> VMAddress:
    """Return a machine's address.

    Raises:
        Refusal: 422, it is none.
    """
    try:
        return VMAddress.parse(text)
    except ValueError as e:
        raise Refusal(422, "invalid-field", str(e), field="vm") from e


def check_user(text: str) -> str:
    """Return the name of a user.

    Raises:
        Refusal: 422, it is none.
    """
    try:
        return _USER.validate_python(text)
    except ValidationError as e:
        message = "a user has 1 to 256 characters, none of them a control character"
        raise Refusal(422, "invalid-field", message, field="user") from e


def parse_zone(text: str) -> str:
    """Return the name of a zone.

    Raises:
        Refusal: 422, it is none.
    """
    if not re.fullmatch(_ZONE, text):
        message = "a zone has 1 to 64 letters, digits, _, . and -"
        raise Refusal(422, "invalid-field", message, field="zone")
    return text


def _signed(name: str, pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        message = "must begin with the NAME of a [token_sources.NAME]"
        raise Refusal(422, "invalid-field", message, field=name)
    return text


def _token(text: str) -> str:
    if not TOKEN_ID.fullmatch(text):
        message = "the id of a token has 64 hexadecimal digits; it is not the token itself"
        raise Refusal(422, "invalid-field", message, field="token")
    return text


def whole(name: str, largest: int) -> Callable[[str], int]:
    """Return what parses a number from 1 on."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= largest):
            message = f"must be a whole number from 1 to {largest}"
            raise Refusal(422, "invalid-field", message, field=name)
        return int(text)

    return parse


def _format(text: str) -> ImageFormat:
    try:
        return ImageFormat(text)
    except ValueError as e:
        known = ", ".join(each.value for each in ImageFormat)
        raise Refusal(422, "invalid-field", f"must be one of {known}", field="format") from e


def _cursor(text: str) -> str:
    if not _CURSOR.fullmatch(text):
        raise Refusal(422, "invalid-field", 'must be the "next" of an answer', field="after")
    return text


def _revoke(text: str) -> bool:
    if text not in ("true", "false"):
        raise Refusal(400, "bad-request", "must be true or false", field="revoke")
    return text == "true"


def _shows_cursor(text: str) -> bool:
    if text not in ("true", "false"):
        raise Refusal(422, "invalid-field", "must be true or false", field="cursor")
    return text == "true"


def _hops(text: str) -> int:
    if text not in map(str, range(MOST_HOPS + 1)):
        message = f"must be a whole number from 0 to {MOST_HOPS}"
        raise Refusal(422, "invalid-field", message, field="hops")
    return int(text)


def _address(text: str) -> str:
    if not 1 <= len(text) <= LONGEST_ADDRESS or has_control(text):
        message = f"must have 1 to {LONGEST_ADDRESS} characters"
        raise Refusal(422, "invalid-field", message, field="client")
    return text


def _state(text: str) -> SessionPhase:
    try:
        return SessionPhase(text)
    except ValueError:
        known = ", ".join(each.value for each in SessionPhase)
        raise Refusal(422, "invalid-field", f"must be one of {known}", field="state") from None


WIDTH = Parameter(
    "width",
    "The most pixels from left to right; without it, as many as the screen has.",
    whole("width", LONGEST_SIDE),
    {"type": "integer", "minimum": 1, "maximum": LONGEST_SIDE},
)
HEIGHT = Parameter(
    "height",
    "The most pixels from top to bottom; without it, as many as the screen has.",
    whole("height", LONGEST_SIDE),
    {"type": "integer", "minimum": 1, "maximum": LONGEST_SIDE},
)
FORMAT = Parameter(
    "format",
    "The image's format.",
    _format,
    {"enum": [each.value for each in ImageFormat], "default": ImageFormat.PNG.value},
)
QUALITY = Parameter(
    "quality",
    "Of JPEG and WebP: lower ones make smaller files.",
    whole("quality", BEST_QUALITY),
    {"type": "integer", "minimum": 1, "maximum": BEST_QUALITY, "default": USUAL_QUALITY},
)
CURSOR = Parameter(
    "cursor",
    "Whether the mouse cursor is shown, where the console's server tells it; without it, as that"
    " server has it.",
    _shows_cursor,
    {"type": "boolean"},
)
HOPS = Parameter(
    "hops",
    "For proxies that pass a request on: how many it has come by.",
    _hops,
    {"type": "integer", "minimum": 0, "maximum": MOST_HOPS, "default": 0},
)
ONE_VM = Parameter("vm", "The machine, `<backend>/<id>`.", parse_vm, VM_SCHEMA)
VM = Parameter("vm", "Those of this machine, `<backend>/<id>`.", parse_vm, VM_SCHEMA)
USER = Parameter("user", "Those of this user.", check_user, USER_SCHEMA)
JTI = Parameter(
    "jti",
    "The signed link with this `jti`, `<token source>/<jti>`.",
    lambda text: _signed("jti", _JTI, text),
    {"type": "string", "pattern": f"^{_SIGNER.pattern}/{JTI_OF_LINK}$"},
)
SIGNER = Parameter(
    "signer",
    "All signed links of this token source, from now on.",
    lambda text: _signed("signer", _SIGNER, text),
    {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"},
)
TOKEN = Parameter(
    "token",
    "Those of the token with this id.",
    _token,
    {"type": "string", "pattern": f"^{TOKEN_ID.pattern}$"},
)
PROXY = Parameter("proxy", "Those at the proxy with this name or id.", str, {"type": "string"})
CLIENT = Parameter(
    "client",
    "Those of users at this address.",
    _address,
    {"type": "string", "maxLength": 64, "examples": ["198.51.100.7"]},
)
FROM_ZONE = Parameter(
    "from_zone", "Those of users of this zone.", parse_zone, {"type": "string", "pattern": _ZONE}
)
TO_ZONE = Parameter(
    "to_zone", "Those of consoles of this zone.", parse_zone, {"type": "string", "pattern": _ZONE}
)
STATE = Parameter(
    "state",
    "Those that are so far.",
    _state,
    {"type": "string", "enum": [each.value for each in SessionPhase]},
)
BY = Parameter("by", "The person behind the key.", check_user, USER_SCHEMA)
LIMIT = Parameter(
    "limit",
    "A page of the oldest so many; the answer has a `next` then.",
    whole("limit", LONGEST_PAGE),
    {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE},
)
AFTER = Parameter(
    "after",
    "Where the page begins: the `next` of the page before.",
    _cursor,
    {"type": "string", "pattern": r"^[0-9]{1,20}-[A-Za-z0-9_.-]{1,64}$"},
)
REVOKE = Parameter(
    "revoke",
    "Whether its token is revoked, too, and its other sessions end.",
    _revoke,
    {"type": "boolean", "default": False},
)


def parse_query(args: Query, known: Sequence[Parameter]) -> dict[str, Any]:
    """Return the values of the parameters that are given, by name.

    Raises:
        Refusal: 400, one is not known, or is there twice; what its parser raises.
    """
    parsers = {each.name: each.parse for each in known}
    texts = {}
    for raw, values in args.items():
        name = raw.decode("utf-8", "replace")
        if name not in parsers:
            message = f"is not known; known are {', '.join(parsers)}"
            raise Refusal(400, "bad-request", message, field=name)
        if len(values) != 1:
            raise Refusal(400, "bad-request", "may be given once", field=name)
        texts[name] = _decoded(name, values[0])
    return {name: parse(texts[name]) for name, parse in parsers.items() if name in texts}


def parse_one(args: Query, known: Sequence[Parameter]) -> tuple[str, Any]:
    """Return the name and value of the query's only parameter.

    Raises:
        Refusal: 400, there is another number of them, or it is not known; what its parser raises.
    """
    given = [(raw, value) for raw, values in args.items() for value in values]
    by_name = {each.name.encode(): each for each in known}
    if len(given) != 1 or given[0][0] not in by_name:
        choice = " or ".join(f"?{each.name}=" for each in known)
        raise Refusal(400, "bad-request", f"exactly one of {choice} is needed")
    found = by_name[given[0][0]]
    return found.name, found.parse(_decoded(found.name, given[0][1]))


def _decoded(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Refusal(400, "bad-request", "is not UTF-8", field=name) from None
