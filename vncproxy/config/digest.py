"""Digests of a configuration, to see which proxies run by the same one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from pydantic import BaseModel, SecretStr

from .setting_types import BackendTable
from .settings import Settings

DIGITS = 12
"""Hexadecimal digits of a digest."""

_OF_ONE_PROXY = frozenset({"proxy", "listen", "log"})
"""The tables that may differ between the proxies of one service."""

_SECRET = re.compile(r"pass|secret|token|ticket|credential|(^|_)(key|auth)$", re.IGNORECASE)
"""Names whose text is left out, also where a backend of others does not declare it as a secret."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""What the text of an object has of one process alone."""

_USER_INFO = re.compile(r"//[^/@\s]*@")


def configuration_digest(settings: Settings) -> str:
    """Return a digest that is equal for equal configurations, whatever the proxy and its size.

    Secrets and the contents of files are not part of it: a digest that is written to logs must not
    let anyone try passwords.
    """
    tables = {name: table for name, table in _members(settings) if name not in _OF_ONE_PROXY}
    tables["limits"] = replace(settings.limits, connections=0, sessions=0)
    return _digest(tables)


def backend_digest(table: BackendTable) -> str:
    """Return a digest of a backend's table, without its secrets and the contents of files."""
    return _digest([table.kind, table.settings])


def _digest(value: Any) -> str:
    text = json.dumps(_plain(value), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, without secrets; what is in a set gets an order."""
    match value:
        case SecretStr() | bytes():
            return None
        case Mapping():
            return {str(key): _member(str(key), inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case set() | frozenset():
            return sorted(map(str, value))
        case BaseModel():
            return _plain(dict(_members(value)))
        case _ if is_dataclass(value):
            shown = [each.name for each in fields(value) if each.repr]
            return _plain({name: getattr(value, name) for name in shown})
    return _USER_INFO.sub("//", _ADDRESS.sub("", str(value)))


def _member(name: str, value: Any) -> Any:
    is_secret = isinstance(value, str) and _SECRET.search(name)
    return None if is_secret else _plain(value)


def _members(model: BaseModel) -> list[tuple[str, Any]]:
    return [(name, getattr(model, name)) for name in type(model).model_fields]
