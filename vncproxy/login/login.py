"""A login as it is kept: the user, the name and the groups; or an API key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from ..model import UnixTime


@dataclass(frozen=True, slots=True)
class Login:
    """Who is logged in.

    Attributes:
        user: as tokens and the audit name the user.
        name: as the page does.
        groups: as the provider said at the login.
        ends_at: when the user has to log in again, by the wall clock.
        key: the SHA-256 of the API key that was given instead of a login; empty for none.
        issuer: of the provider; empty with a key.
        v: the version of the form.
    """

    user: str
    name: str
    groups: tuple[str, ...]
    ends_at: UnixTime
    key: str = ""
    issuer: str = ""
    v: Literal[1] = 1


_RECORD = TypeAdapter(Login)


def encode(login: Login) -> str:
    """Return a login as JSON on one line."""
    return _RECORD.dump_json(login).decode()


@lru_cache(256)
def decode(record: str) -> Login | None:
    """Read a login; None where it is of another version."""
    try:
        return _RECORD.validate_json(record)
    except ValidationError:
        return None
