"""A TOML file of consoles that may change while the proxy runs.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter, ValidationError

from ...errors import BackendError
from ...files import Version, version_of
from .console import Console
from .errors import explain

_TABLES = TypeAdapter(dict[str, Console])


@dataclass(frozen=True, slots=True)
class Reading:
    """The consoles that a version of the file names."""

    version: Version
    consoles: dict[str, Console]


def read_if_changed(path: Path, known: Version | None) -> Reading | None:
    """Read the file unless it is still the version known.

    Returns:
        None when nothing changed.

    Raises:
        BackendError: the file cannot be read or is not a table of consoles; with line or key.
    """
    try:
        if known and version_of(path.stat()) == known:
            return None
        with path.open("rb") as file:
            return Reading(version_of(os.fstat(file.fileno())), _consoles(file))
    except OSError as e:
        raise BackendError(f"{path}: {e.strerror or e}") from e
    except (ValueError, ValidationError) as e:
        raise BackendError(f"{path}: {explain(e)}") from e


def _consoles(file: IO[bytes]) -> dict[str, Console]:
    return _TABLES.validate_python(tomllib.load(file))
