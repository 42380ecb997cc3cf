"""One request of the API as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, of whose answer the JSON is a ``T``.

    Attributes:
        path: below the API's URL, quoted.
        query: parameters.
        body: a JSON object, or None.
        headers: beside those of every request.
        media_type: of a good answer that is no JSON, and is ``bytes`` then: ``image/*``.
        patience: seconds that the answer may take beyond those of other requests.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = ""
    patience: float = 0.0


def given(**values: str | float | None) -> dict[str, str]:
    """Return those parameters that have a value, as text."""
    return {name: str(value) for name, value in values.items() if value is not None}


def part(text: str) -> str:
    """Return text as one segment of a path."""
    return quote(text, safe="")
