"""What zones say to each other."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .values import Described, TokenId


class ZoneToken(TypedDict):
    """A token for a session of another zone."""

    token: str
    id: TokenId


class ZoneMachine(TypedDict):
    """A machine that exists."""

    vm: str


class ZoneAbout(TypedDict):
    """What a zone tells another one.

    Attributes:
        time: of its clock, in seconds since 1970.
        backends: those that the other zone may use; ``*`` for all.
        hops: zones that a session may pass.
        max_duration: the longest session in seconds; null for no limit.
        idle_timeout: seconds; null for no limit.
        mode: view-only where its users may not control the machines.
    """

    zone: str
    version: str
    time: float
    backends: list[str]
    hops: int
    max_duration: float | None
    idle_timeout: float | None
    mode: Annotated[str, Described(enum=["control", "view-only"])]
