"""A digest of a configuration, to see which proxies run by the same one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from pydantic import BaseModel, SecretStr

from .settings import Settings

DIGITS = 12
"""Hexadecimal digits of a digest."""

_OF_ONE_PROXY = frozenset({"proxy", "listen", "log"})
"""The tables that may differ between the proxies of one service."""


def configuration_digest(settings: Settings) -> str:
    """Return a digest that is equal for equal configurations, whatever the proxy and its size.

    Secrets and the contents of files are not part of it: a digest that is written to logs must not
    let anyone try passwords.
    """
    tables = {name: table for name, table in _members(settings) if name not in _OF_ONE_PROXY}
    tables["limits"] = replace(settings.limits, connections=0, sessions=0)
    text = json.dumps(_plain(tables), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, without secrets; what is in a set gets an order."""
    match value:
        case SecretStr():
            return None
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case set() | frozenset():
            return sorted(map(str, value))
        case BaseModel():
            return _plain(dict(_members(value)))
        case _ if is_dataclass(value):
            return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return str(value)


def _members(model: BaseModel) -> list[tuple[str, Any]]:
    return [(name, getattr(model, name)) for name in type(model).model_fields]
