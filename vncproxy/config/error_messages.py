"""Errors of validation as lines for an operator: table, key, what was found, what is allowed.

Each of pydantic's errors becomes one line. A value that may be a secret is not shown.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .secret import ERROR_TYPE as SECRET
from .setting_types import BackendTable, did_you_mean

Location = tuple[int | str, ...]

_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument")
_DEPTHS: Final = {"backends": 2, "token_sources": 2, "zones": 2, "peers": 2, "api": 3}
_SENSITIVE: Final = re.compile(r"passw|passphrase|secret|token|key|credential", re.IGNORECASE)
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ALLOWED: Final = {
    "greater_than_equal": "at least {ge:g}",
    "greater_than": "more than {gt:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "less than {lt:g}",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "path_type": "must be a string",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "frozen_set_type": "must be a list",
    "set_type": "must be a list",
    "model_type": "must be a table",
    "dataclass_type": "must be a table",
    "dict_type": "must be a table",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "missing": "is missing",
    "too_short": "must not be empty",
}
_LONGEST_FOUND: Final = 80
_MAYBE_SECRET: Final = re.compile(r"(?<=//).*@|^(?!\w+://).+:.*@|(?<=\?).+")
"""The part before a host, which may hold a password, and a query, which may hold a token."""


def describe(
    error: ValidationError, model: type[BaseModel], kinds: Mapping[str, type[BaseModel]]
) -> Iterator[str]:
    """Yield one line for each error, as in ``[limits] sessions: 0 is not allowed; at least 1``.

    Args:
        model: the model that was validated.
        kinds: the settings model of each ``[backends.NAME]`` and ``[token_sources.NAME]`` by its
            name, as far as they are known.
    """
    for found in error.errors(include_url=False):
        location = tuple(part for part in found["loc"] if part != "[key]")
        if found["type"] in _UNKNOWN:
            yield _unknown(location, found["input"], _known_keys(model, location[:-1], kinds))
        else:
            location += tuple(filter(None, [found.get("ctx", {}).get("key")]))
            yield f"{_key_path(location)}: {_message(found, location)}"


def _unknown(location: Location, value: Any, known: list[str]) -> str:
    name = str(location[-1])
    near = did_you_mean(name, known) or f"; known are {', '.join(known)}" * bool(known)
    if len(location) > 1:
        return f"{_key_path(location)}: unknown key{near}"
    if isinstance(value, dict):
        return f"{_key_path(location)}: unknown table{near}"
    return f"{_quoted(name)}: stands above all tables; every key belongs to one"


def _message(error: ErrorDetails, location: Location) -> str:
    allowed = _allowed(error)
    value = error["input"]
    shown = isinstance(value, str | bool | int | float) and not _is_secret(error, location)
    if not shown or error["type"] in ("missing", "wrong_key"):
        return allowed
    return f"{_shown(value)} is not allowed; {allowed}"


def _allowed(error: ErrorDetails) -> str:
    template = _ALLOWED.get(error["type"])
    if template is not None:
        return template.format(**error.get("ctx", {}))
    return error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")


def _is_secret(error: ErrorDetails, location: Location) -> bool:
    keys = " ".join(str(part) for part in location[_depth(location) :])
    return error["type"] == SECRET or bool(_SENSITIVE.search(keys))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        value = _MAYBE_SECRET.sub(lambda match: "…@" if match[0].endswith("@") else "…", value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_FOUND else f"{text[:_LONGEST_FOUND]}…"


def _depth(location: Location) -> int:
    """Return how many elements of a location name its table."""
    return _DEPTHS.get(str(location[0]), 1) if location else 0


def _key_path(location: Location) -> str:
    depth = _depth(location)
    table = ".".join(_quoted(str(part)) for part in location[:depth])
    key = ""
    for part in location[depth:]:
        key += f"[{part}]" if isinstance(part, int) else f".{_quoted(part)}"
    return f"[{table}] {key.removeprefix('.')}".rstrip()


def _quoted(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _known_keys(
    model: type[BaseModel], table: Location, kinds: Mapping[str, type[BaseModel]]
) -> list[str]:
    """Return the keys that a table knows; empty where its type is unknown."""
    node: Any = model
    for step in table:
        node = _step_into(node, step)
        if node is BackendTable:
            node = kinds.get(str(step))
    return sorted(_fields(node))


def _step_into(node: Any, step: int | str) -> Any:
    fields = _fields(node)
    if fields:
        return _unwrapped(fields.get(str(step)))
    arguments = get_args(node)
    return _unwrapped(arguments[-1 if get_origin(node) is dict else 0]) if arguments else None


def _fields(node: Any) -> dict[str, Any]:
    if isinstance(node, type) and issubclass(node, BaseModel):
        return {name: field.annotation for name, field in node.model_fields.items()}
    if isinstance(node, type) and dataclasses.is_dataclass(node):
        return get_type_hints(node)
    return {}


def _unwrapped(annotation: Any) -> Any:
    """Return ``X`` for ``Annotated[X, …]`` and ``X | None``."""
    if get_origin(annotation) is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if isinstance(annotation, UnionType):
        return _unwrapped(get_args(annotation)[0])
    return annotation
