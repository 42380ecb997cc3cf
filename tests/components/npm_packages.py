"""Packages of npm that tests use, in folders of the virtual environment."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

MANIFESTS = ("package.json", "package-lock.json")
INSTALL_LIMIT = 300


def install_package(source: Path, target: Path, more: Sequence[str] = ()) -> Path:
    """Install what the lock file of a folder pins, unless it is there; returns the target.

    Args:
        more: names of further files of the source that belong there.
    """
    files = (*MANIFESTS, *more)
    if not all(_is_current(target / name, source / name) for name in files):
        shutil.rmtree(target, ignore_errors=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        for name in files:
            shutil.copy(source / name, staged)
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--silent")
        subprocess.run(["npm", "ci", *options], cwd=staged, check=True, timeout=INSTALL_LIMIT)
        staged.rename(target)
    return target


def _is_current(copy: Path, original: Path) -> bool:
    return copy.is_file() and copy.read_bytes() == original.read_bytes()
