"""Indexes that were made after their recordings had left the spool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from .bucket import Bucket
from .library import DAY, INDEX_SUFFIX, SUFFIX, entry_of, index_name
from .spool import Spool

USELESS_AFTER: Final = 86400.0
"""Seconds after which an index is removed whose recording is nowhere."""


def send_late_indexes(bucket: Bucket, spool: Spool) -> None:
    """Upload the indexes whose recordings the bucket has, and remove them from the spool.

    Raises:
        CannotRead: the bucket does not take them.
    """
    for name, path in _left(spool):
        with suppress(FileNotFoundError):  # the upload of its recording removes it as well
            if _send(bucket, name, path) or time.time() - path.stat().st_mtime >= USELESS_AFTER:
                path.unlink()
                _remove_if_empty(path.parent)


def _send(bucket: Bucket, name: str, path: Path) -> bool:
    """Upload an index; returns whether the bucket had its recording."""
    if bucket.look(name) is None:
        return False
    with path.open("rb") as file:
        bucket.put_file(index_name(name), file)
    if bucket.look(name) is None:
        bucket.delete(index_name(name))  # it was deleted meanwhile
    return True


def _left(spool: Spool) -> Iterator[tuple[str, Path]]:
    """Yield the recordings that are gone, and their indexes."""
    for path in sorted(spool.path.glob(f"*/*{INDEX_SUFFIX}")):
        name = f"{path.parent.name}/{path.name.removesuffix(INDEX_SUFFIX)}{SUFFIX}"
        is_ours = DAY.fullmatch(path.parent.name) and entry_of(name, 0, 0) is not None
        is_file = path.is_file() and not path.is_symlink()
        if is_ours and is_file and not path.with_suffix(SUFFIX).exists():
            yield name, path


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # others of its day are there
