"""The query of a request about sessions: criteria, and the page of a list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...model import VMAddress
from ..caller import ALL_BACKENDS, Caller
from ..permissions import Permissions
from ..reply import Refusal
from .parameters import check_user, parse_vm

LONGEST_PAGE = 1000
"""Sessions of a page."""

CRITERIA = ("vm", "user", "token", "proxy")

_TOKEN = re.compile(r"[0-9a-f]{64}")
_CURSOR = re.compile(r"[0-9]{1,20}-[\w.-]{1,64}")


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions are meant: those that meet all criteria given.

    Attributes:
        token_id: the id of a token.
        proxy: the name or id of a proxy.
        limit: how many at most.
        after: where the page begins.
    """

    vm: VMAddress | None = None
    user: str | None = None
    token_id: str | None = None
    proxy: str | None = None
    limit: int | None = None
    after: str = ""

    def __str__(self) -> str:
        token = self.token_id[:12] if self.token_id else None
        words = {"vm": self.vm, "user": self.user, "token": token, "proxy": self.proxy}
        return ", ".join(f"{name} {value}" for name, value in words.items() if value is not None)

    def criteria(self, caller: Caller, permissions: Permissions) -> dict[str, Any]:
        """Return the criteria as arguments of a registry's methods, for what a caller may touch.

        Raises:
            Refusal: 403, the caller may not use the machine.
        """
        if self.vm is not None:
            permissions.require(caller, self.vm)
        return {
            "vm": self.vm,
            "user": self.user,
            "token_id": self.token_id,
            "proxy": self.proxy,
            "backends": None if ALL_BACKENDS in caller.backends else caller.backends,
        }


def session_query(args: Mapping[bytes, Sequence[bytes]], *, pages: bool) -> SessionQuery:
    """Read a query.

    Args:
        pages: whether ``limit`` and ``after`` may be given, and all criteria may be missing.

    Raises:
        Refusal: 400, a parameter is not known, or is there twice, or all are missing; 422, one has
            a value that is not possible.
    """
    known = (*CRITERIA, "limit", "after") if pages else CRITERIA
    given = _once_each(args, known)
    if not pages and not given:
        choice = " or ".join(f"?{name}=" for name in CRITERIA)
        raise Refusal(400, "bad-request", f"at least one of {choice} is needed")
    return SessionQuery(
        vm=parse_vm(given["vm"]) if "vm" in given else None,
        user=check_user(given["user"]) if "user" in given else None,
        token_id=_token(given["token"]) if "token" in given else None,
        proxy=given.get("proxy"),
        limit=_limit(given["limit"]) if "limit" in given else None,
        after=_cursor(given["after"]) if "after" in given else "",
    )


def _once_each(args: Mapping[bytes, Sequence[bytes]], known: Sequence[str]) -> dict[str, str]:
    given = {}
    for raw, values in args.items():
        name = raw.decode("utf-8", "replace")
        if name not in known:
            raise Refusal(
                400, "bad-request", f"is not known; known are {', '.join(known)}", field=name
            )
        if len(values) != 1:
            raise Refusal(400, "bad-request", "may be given once", field=name)
        try:
            given[name] = values[0].decode()
        except UnicodeDecodeError:
            raise Refusal(400, "bad-request", "is not UTF-8", field=name) from None
    return given


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        message = "the id of a token has 64 hexadecimal digits; it is not the token itself"
        raise Refusal(422, "invalid-field", message, field="token")
    return text


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= LONGEST_PAGE):
        message = f"must be a whole number from 1 to {LONGEST_PAGE}"
        raise Refusal(422, "invalid-field", message, field="limit")
    return int(text)


def _cursor(text: str) -> str:
    if not _CURSOR.fullmatch(text):
        raise Refusal(422, "invalid-field", 'must be the "next" of an answer', field="after")
    return text
