"""The directory that Kolla mounts into a container: nova.conf, and which files are copied where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ..failures import Misconfigured
from . import nova

_MOUNTED: Final = "/var/lib/kolla/config_files/"
"""Where the container sees the directory."""


def convert(directory: Path) -> str:
    """Return the configuration as TOML, with comments on options that it leaves out.

    Args:
        directory: as ``/etc/kolla/nova-novncproxy``.

    Raises:
        Misconfigured: a file in it cannot be read.
    """
    directory = directory.absolute()
    copied = dict(_copied(directory))
    return nova.convert([directory / "nova.conf"], outside=lambda path: copied.get(path, path))


def _copied(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield files' paths in the container, with those outside."""
    for entry in _config_files(directory / "config.json"):
        source, dest = str(entry.get("source", "")), str(entry.get("dest", ""))
        if source.startswith(_MOUNTED):
            yield dest, str(directory / source.removeprefix(_MOUNTED))


def _config_files(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_bytes())
        return [entry for entry in found.get("config_files", []) if isinstance(entry, dict)]
    except FileNotFoundError:
        return []
    except OSError as e:
        raise Misconfigured(f"{path}: {e.strerror}") from None
    except (ValueError, AttributeError):
        raise Misconfigured(f"{path} is no config.json of Kolla") from None
