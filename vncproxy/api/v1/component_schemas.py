"""JSON Schemas of types, with the words of their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel, TypeAdapter

from ... import answers
from ...config.scope import Scope
from ...model import (
    Clipboard,
    ConsoleType,
    Inviting,
    Mode,
    Policy,
    PolicyBounds,
    PowerAction,
    Sharing,
)
from .typing_bodies import HoldStep, PauseStep, TextStep

_REF = "#/components/schemas/"
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
_NAMED: Mapping[str, type] = {
    **{name: getattr(answers, name) for name in answers.__all__},
    **{
        each.__name__: each
        for each in (
            Clipboard,
            ConsoleType,
            HoldStep,
            Inviting,
            Mode,
            PauseStep,
            Policy,
            PolicyBounds,
            PowerAction,
            Scope,
            Sharing,
            TextStep,
        )
    },
}


def component_schemas(
    types: Mapping[str, Any],
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return a schema for each type, which refers to others, and those others by their names.

    Args:
        types: by any names.
    """
    adapters = [(name, "validation", TypeAdapter(kind)) for name, kind in types.items()]
    schemas, rest = TypeAdapter.json_schemas(
        adapters,  # type: ignore[arg-type]
        ref_template=_REF + "{model}",
    )
    used = str([schemas, rest])
    components = {
        name: schema for name, schema in rest["$defs"].items() if f"'{_REF}{name}'" in used
    }
    named = {**_NAMED, **{each.__name__: each for each in types.values() if _is_model(each)}}
    for name, schema in components.items():
        _describe(named[name], schema)
    return {name: dict(schema) for (name, _), schema in schemas.items()}, components


def _is_model(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, BaseModel)


def _describe(kind: type, schema: dict[str, Any]) -> None:
    """Put the words of a class's docstring where they belong in its schema."""
    doc = inspect.getdoc(kind) or ""
    schema["description"] = _plain(doc.partition("\n\nAttributes:")[0])
    schema.pop("title", None)
    if issubclass(kind, Enum):
        return
    words = dict(_attributes(kind))
    for name, member in schema.get("properties", {}).items():
        member.pop("title", None)
        if name in words:
            member["description"] = words[name]


def _attributes(kind: type) -> Iterator[tuple[str, str]]:
    """Yield what is said of the attributes of a class and of those that it extends."""
    for base in getattr(kind, "__orig_bases__", ()):
        if inspect.isclass(base):
            yield from _attributes(base)
    said = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    for name, text in _ATTRIBUTE.findall(said):
        yield name, _plain(text)


def _plain(text: str) -> str:
    """Return a docstring's words as Markdown in one paragraph."""
    return " ".join(text.replace("``", "`").split())
