"""The types of ``[token_sources.NAME]`` tables; each is imported when it is first configured."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any, Final

from ...errors import ConfigurationError

_TYPES: Final = {
    "jwt": "jwt:SignedTokens",
    "nova": "nova:NovaTokens",
    "websockify-file": "websockify_file:TokenFiles",
    "websockify-redis": "websockify_redis:RedisTokens",
}


def find(kind: str) -> Any:
    """Return the class of a type of token source.

    It has ``Settings``, the table without ``type`` as a pydantic model; called with a
    `SourceContext`, it returns an ``ITokenSource``.

    Raises:
        ConfigurationError: there is no such type.
    """
    if kind not in _TYPES:
        near = difflib.get_close_matches(kind, _TYPES, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(_TYPES)}"
        raise ConfigurationError(f"no token source {kind!r}{hint}")
    module, _, name = _TYPES[kind].partition(":")
    return getattr(import_module(f".{module}", __package__), name)


def names() -> list[str]:
    """Return the names of all types, sorted."""
    return sorted(_TYPES)
