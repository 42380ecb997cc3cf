"""One request of the API as a value: it routes and checks the request, and describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from ...config.scope import Scope
from ..reply import JSON
from .parameters import Parameter
from .problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    FORBIDDEN,
    INTERNAL_ERROR,
    INVALID_FIELD,
    RATE_LIMITED,
    REPEAT_CHANGED,
    REPEAT_PENDING,
    STORE_UNAVAILABLE,
    UNAUTHORIZED,
    UNSIGNED,
    Problem,
)

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Operation(Generic[Body]):
    """One request.

    Attributes:
        name: its ``operationId``.
        path: with parameters in braces, ``/v1/tokens/{token_id}``.
        answer: the type of the JSON of a good answer.
        summary: one line.
        text: what else is to be known.
        scopes: of which the caller needs one; none where no key is asked for.
        also: which it needs beside that one, all of them.
        signed: whether it is signed by another zone instead.
        status: of a good answer.
        query: the parameters that may be given.
        body: the model that reads the body.
        later: whether it may be done later, with the status 202.
        repeats: whether it may be sent again, with ``Idempotency-Key``.
        tagged: whether good answers have an ``ETag``: 304 where it stands in ``If-None-Match``.
        causes: why it may fail, beyond what its other attributes say.
        media_type: of a good answer.
        ids: where a good answer has the parameters of other paths, as JSON pointers.
    """

    name: str
    method: str
    path: str
    answer: type[Body]
    summary: str
    text: str = ""
    scopes: Sequence[Scope] = ()
    also: Sequence[Scope] = ()
    signed: bool = False
    status: int = 200
    query: Sequence[Parameter] = ()
    body: type[BaseModel] | None = None
    later: bool = False
    repeats: bool = False
    tagged: bool = False
    causes: Sequence[Problem] = ()
    media_type: str = JSON
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """The path as klein writes it, ``/v1/tokens/<token_id>``."""
        return re.sub(r"{(\w+)}", r"<\1>", self.path)

    @property
    def places(self) -> list[str]:
        """The names of the parameters of its path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def tag(self) -> str:
        """What it is about: the first part of its path."""
        return self.path.removeprefix("/v1").split("/")[1]

    @property
    def may_be_unconfirmed(self) -> bool:
        """Whether processes may be late to confirm it, with the status 207."""
        return "unconfirmed" in getattr(self.answer, "__annotations__", ())

    @property
    def problems(self) -> list[Problem]:
        """All reasons for which it may fail, by status."""
        found: list[Any] = [*self.causes, INTERNAL_ERROR]
        if self.scopes:
            found += [UNAUTHORIZED, FORBIDDEN, RATE_LIMITED, STORE_UNAVAILABLE]
        if self.repeats:
            found += [REPEAT_PENDING, REPEAT_CHANGED]
        if self.signed:
            found += [UNSIGNED]
        if self.query or self.body or self.places:
            found += [BAD_REQUEST]
        if self.query or self.body:
            found += [INVALID_FIELD]
        if self.body:
            found += [BODY_TOO_LARGE]
        return sorted(dict.fromkeys(found), key=lambda each: each.status)
