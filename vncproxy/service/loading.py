"""Reads a configuration with all types of backends and token sources that are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..backends import find
from ..backends.zone import ZoneBackend
from ..config import load as config
from ..config.settings import Settings
from ..tokens.external import kinds as source_types


def load(path: Path, text: bytes | None = None) -> Settings:
    """Read a configuration file; all installed types of backends and token sources are known.

    Args:
        text: what to read instead of the file's present text.

    Raises:
        ConfigurationError: with one line for each error.
    """
    return config.load(path, backend_settings, source_settings, text, ZoneBackend.Settings)


def backend_settings(kind: str) -> Any:
    """Return the settings model of a type of backend."""
    return find(kind).Settings


def source_settings(kind: str) -> Any:
    """Return the settings model of a type of token source."""
    return source_types.find(kind).Settings
