"""Reads a configuration file into frozen settings, and reports all of its errors at once."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import ConfigurationError
from .error_messages import describe
from .setting_types import Reading
from .settings import BackendTable, Settings
from .toml_errors import explain

__all__ = ["BackendTable", "Settings", "load"]

BackendSettings = Callable[[str], type[BaseModel]]
"""Finds the settings model of a type, or raises ``ConfigurationError``."""


def _no_source(kind: str) -> type[BaseModel]:
    raise ConfigurationError(f"no token source {kind!r}")


def load(
    path: Path,
    backend_settings: BackendSettings,
    source_settings: BackendSettings = _no_source,
    content: bytes | None = None,
    zone_settings: type[BaseModel] | None = None,
) -> Settings:
    """Read a TOML file; keys that it leaves out have their defaults.

    Args:
        backend_settings: finds the model for ``[backends.NAME]`` by its ``type``.
        source_settings: the same for ``[token_sources.NAME]``.
        content: what to read instead of the file, whose path errors name.
        zone_settings: the model for ``[zones.NAME]``.

    Raises:
        ConfigurationError: with one line for each error: file, table, key, what was found
            (unless it may be a secret) and what is allowed.
    """
    document = _document(path, content)
    backends, zones = _table(document, "backends"), _table(document, "zones")
    proxy = _table(document, "proxy")
    instances = proxy.get("instances")
    reading = Reading(
        backend_settings,
        frozenset({*backends, *zones}),
        source_settings,
        zone_settings,
        instances if isinstance(instances, int) else 1,
        proxy.get("supervisor") is True or _are_several(proxy.get("workers")),
    )
    # The default store is validated against the number of processes, too.
    document.setdefault("tokens", {})
    try:
        # TOML and JSON have the same types, and pydantic's strict mode for JSON takes a list for
        # a tuple while it refuses a quoted number.
        return Settings.model_validate_json(
            json.dumps(document, default=str), strict=True, context=reading
        )
    except ValidationError as error:
        sources = _table(document, "token_sources")
        models = {**_models(sources, source_settings), **_models(backends, backend_settings)}
        if zone_settings is not None:
            models |= dict.fromkeys(zones, zone_settings)
        lines = describe(error, Settings, models)
        raise ConfigurationError("\n".join(f"{path}: {line}" for line in lines)) from None


def _document(path: Path, content: bytes | None) -> dict[str, Any]:
    text = ""
    try:
        text = (path.read_bytes() if content is None else content).decode()
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text: byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not TOML: {explain(error, text)}") from error


def _are_several(workers: Any) -> bool:
    return workers == "auto" or (isinstance(workers, int) and workers > 1)


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name)
    return table if isinstance(table, dict) else {}


def _models(tables: dict[str, Any], settings: BackendSettings) -> dict[str, type[BaseModel]]:
    models: dict[str, type[BaseModel]] = {}
    for name, table in tables.items():
        kind = table.get("type") if isinstance(table, dict) else None
        with suppress(ConfigurationError):
            if isinstance(kind, str):
                models[name] = settings(kind)
    return models
