"""Installs the pinned noVNC release from npm into the page's static files.

It runs at build time, and as a script (`python vncproxy/web/install.py`), with the standard library
and `npm` only. noVNC itself is never part of the repository.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
DESTINATION = HERE / "static" / "novnc"
PACKAGE = "@novnc/novnc"
TIME_LIMIT = 300.0
"""Seconds that npm may take."""

FILES = (
    "core/**/*.js",
    "vendor/pako/LICENSE",
    "vendor/pako/lib/utils/common.js",
    "vendor/pako/lib/zlib/adler32.js",
    "vendor/pako/lib/zlib/crc32.js",
    "vendor/pako/lib/zlib/deflate.js",
    "vendor/pako/lib/zlib/inf*.js",
    "vendor/pako/lib/zlib/messages.js",
    "vendor/pako/lib/zlib/trees.js",
    "vendor/pako/lib/zlib/zstream.js",
    "LICENSE.txt",
)
"""Patterns of the files that the page needs; each must match at least one."""


class InstallError(Exception):
    """noVNC could not be installed; the message says what to do."""


def pinned_version() -> str:
    """Return the noVNC version that ``package.json`` pins."""
    version = json.loads((HERE / "package.json").read_text())["dependencies"][PACKAGE]
    assert isinstance(version, str)
    return version


def install(destination: Path | None = None) -> None:
    """Install the pinned noVNC, unless it is installed already.

    Args:
        destination: a folder that is replaced as a whole; the page's own by default.

    Raises:
        InstallError: npm is missing or failed, or the package lacks a file.
    """
    target = DESTINATION if destination is None else destination
    if _installed(target):
        return
    with _package() as package, _staging(target) as staged:
        _copy(package, staged)
        (staged / "VERSION").write_text(pinned_version() + "\n")
        _replace(target, staged)


def _installed(target: Path) -> bool:
    version = target / "VERSION"
    return version.is_file() and version.read_text().strip() == pinned_version()


@contextmanager
def _package() -> Iterator[Path]:
    """Yield the package's folder, installed by npm into a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="vncproxy-novnc-") as name:
        work = Path(name)
        for manifest in ("package.json", "package-lock.json"):
            shutil.copy(HERE / manifest, work)
        _npm_ci(work)
        yield work / "node_modules" / PACKAGE


def _npm_ci(work: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError(
            f"npm was not found, and the console page needs {PACKAGE} {pinned_version()}: "
            "install Node.js with npm (Debian: apt-get install npm), then try again"
        )
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(  # noqa: S603 - the command is fixed, its path from PATH
            command, cwd=work, capture_output=True, text=True, timeout=TIME_LIMIT
        )
    except subprocess.TimeoutExpired as e:
        raise InstallError(f"npm ci did not finish within {TIME_LIMIT:.0f} seconds") from e
    if done.returncode:
        raise InstallError(
            f"npm ci failed with status {done.returncode}; it fetches {PACKAGE} from the npm "
            f"registry configured for this user:\n{done.stderr.strip()}"
        )


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`: on the same file system, so that it can be renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".novnc-", dir=target.parent) as name:
        staged = Path(name) / "new"
        staged.mkdir()
        yield staged


def _copy(package: Path, staged: Path) -> None:
    for pattern in FILES:
        sources = sorted(package.glob(pattern))
        if not sources:
            raise InstallError(f"{PACKAGE} {pinned_version()} has no {pattern}")
        for source in sources:
            copy = staged / source.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def _replace(target: Path, staged: Path) -> None:
    if target.exists():
        target.rename(staged.with_name("old"))
    try:
        staged.rename(target)
    except OSError:
        # another process may have installed the same version meanwhile
        if not _installed(target):
            raise


if __name__ == "__main__":
    try:
        install()
    except InstallError as error:
        sys.exit(str(error))
    print(f"{PACKAGE} {pinned_version()} is in {DESTINATION}")
