"""The files that a worker writes its figures to, which are made again where they were removed.

Prometheus' library maps them into memory: a worker whose folder was removed goes on counting in
files that have no name any more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client import values

_OPEN_FILES = Path("/proc/self/fd")
_REMOVED = " (deleted)"


class OwnFiles:
    """The files of this process, which end in its number; to be made before its first metric.

    Args:
        folder: that of all workers' figures.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._renewals = 0
        self._name = str(os.getpid())
        values.ValueClass = values.MultiProcessValue(lambda: self._name)

    def renew(self) -> None:
        """Make the files again with what is in them, if the folder has been removed and is back.

        Each time they have another name, from which the library sees that it has to open them.
        """
        if Path(f"{self._folder}/counter_{self._name}.db").exists() or not self._folder.exists():
            return
        removed = dict(self._removed())
        if removed:
            self._renewals += 1
            name = f"{os.getpid()}-{self._renewals}"
            for kind, descriptor in removed.items():
                shutil.copyfile(descriptor, self._folder / f"{kind}_{name}.db")
            self._name = name

    def _removed(self) -> Iterator[tuple[str, Path]]:
        """Yield the kind of each file that is open and has no name any more, and its descriptor."""
        ending = f"_{self._name}.db{_REMOVED}"
        for descriptor in _OPEN_FILES.glob("*"):
            with suppress(OSError):
                file = descriptor.readlink()
                if file.parent == self._folder and file.name.endswith(ending):
                    yield file.name.removesuffix(ending), descriptor
