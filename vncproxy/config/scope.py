"""What a caller of the API may do: its rights, the machines that it may touch, and its links."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, field_validator

from ..model import ALL_VMS, NO_BOUNDS, PolicyBounds, VMPatterns
from .setting_types import ALL_BACKENDS, KnownBackend
from .table import Table
from .urls import normal_origin_pattern


class Scope(StrEnum):
    """One right of a caller; ``ADMIN`` includes the others but those of `OF_THEIR_OWN`.

    Attributes:
        ISSUE: issue, show and revoke tokens.
        READ: list machines and sessions, show tokens and metrics.
        ADMIN: everything but what is of its own, the end of sessions included.
        KEYS: create, list and revoke keys that may do no more.
        SHADOW: look at the sessions of others, or control them.
        APPROVE: let sessions begin that wait for approval.
        POWER: start, stop and reset machines.
        SCREENSHOT: take pictures of screens, and wait for changes of them.
        REVIEW: list and watch recordings, also while they are made, and make links to them.
        DOWNLOAD: get the files of recordings, with ``REVIEW``.
        TYPE: type at consoles.
    """

    ISSUE = "issue"
    READ = "read"
    ADMIN = "admin"
    KEYS = "keys"
    SHADOW = "shadow"
    APPROVE = "approve"
    POWER = "power"
    SCREENSHOT = "screenshot"
    REVIEW = "review"
    DOWNLOAD = "download"
    TYPE = "type"


OF_THEIR_OWN: Final = frozenset(
    {Scope.KEYS, Scope.SHADOW, Scope.APPROVE, Scope.REVIEW, Scope.DOWNLOAD}
)
"""The rights that ``ADMIN`` does not include."""


def _patterns(value: Any) -> VMPatterns:
    if isinstance(value, VMPatterns):
        return value
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError('must be a list of patterns such as "kvm/web-*"')
    if not value:
        raise ValueError("must not be empty")
    return VMPatterns.parse(value)


def _texts(patterns: VMPatterns) -> list[str]:
    return list(patterns.texts)


Patterns = Annotated[
    VMPatterns,
    PlainValidator(_patterns),
    PlainSerializer(_texts, return_type=list[str]),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1}),
]


class Access(Table):
    """What a caller may do; a table of the configuration, or a part of one.

    Attributes:
        scopes: its rights.
        backends: names of the backends that it may touch, or ``*``.
        vms: patterns, of which one has to match the machines that it may touch.
        match_names: whether ``vms`` is matched also with what a backend looks up as the name of a
            machine, which tenants may be able to choose.
        policy: the most that its links may do.
    """

    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    backends: tuple[KnownBackend, ...] = (ALL_BACKENDS,)
    vms: Patterns = Field(default=ALL_VMS, json_schema_extra={"default": ["*"]})
    match_names: bool = False
    policy: PolicyBounds = NO_BOUNDS

    @field_validator("policy")
    @classmethod
    def _normal_origins(cls, bounds: PolicyBounds) -> PolicyBounds:
        if not bounds.allowed_origins:
            return bounds
        return replace(
            bounds, allowed_origins=tuple(map(normal_origin_pattern, bounds.allowed_origins))
        )
