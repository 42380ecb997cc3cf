"""Kinds of values that several answers have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any


class Described:
    """What JSON Schema says of a value beyond its Python type, as pydantic reads annotations.

    Args:
        keywords: of JSON Schema.
    """

    def __init__(self, **keywords: object) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: Callable[[Any], Mapping[str, Any]]
    ) -> dict[str, Any]:
        return {**handler(core_schema), **self._keywords}


Time = Annotated[str, Described(format="date-time")]
"""RFC 3339 in UTC with whole seconds."""

Id = Annotated[str, Described(pattern="^[0-9a-f]{16}$")]
"""Of a session, a proxy or a process."""

TokenId = Annotated[str, Described(pattern="^[0-9a-f]{64}$")]
"""The SHA-256 of a token's secret."""

SessionMode = Annotated[str, Described(enum=["control", "view-only"])]
Viewer = Annotated[str, Described(enum=["novnc", "xvpvnc"])]
"""For browsers, or for TCP viewers."""

SessionKind = Annotated[str, Described(enum=["novnc", "xvpvnc", "keys"])]
"""The same of a session; ``keys`` for one that has no viewer, and types."""

Count = Annotated[int, Described(minimum=0)]
