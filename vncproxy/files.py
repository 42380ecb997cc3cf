"""Files that settings name: absolute paths, and what tells one version of a file from another."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TypeVar

from pydantic_core import PydanticCustomError

AnyPath = TypeVar("AnyPath", str, Path)

Version = tuple[int, int, int]
"""Modification time in ns, size and inode: another one, another content."""


def absolute(example: str) -> Callable[[AnyPath], AnyPath]:
    """Return a validator that refuses a path which depends on the working directory.

    An empty string passes.

    Args:
        example: what the message shows, such as ``/etc/vncproxy/ca.pem``.
    """

    def check(path: AnyPath) -> AnyPath:
        if str(path) and not PurePath(path).is_absolute():
            raise PydanticCustomError(
                "path", "must be an absolute path, such as {example}", {"example": example}
            )
        return path

    return check


def version_of(status: os.stat_result) -> Version:
    """Return the version of a file from its status."""
    return status.st_mtime_ns, status.st_size, status.st_ino
