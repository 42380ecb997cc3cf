"""Label values that are bounded whatever a request says."""

from __future__ import annotations

from typing import Final

MAX_BACKENDS = 100
"""Backends with a label of their own; tokens of other issuers may name any."""

OTHER: Final = "other"


class BackendLabels:
    """The label values of backends: the names of the first `MAX_BACKENDS`, and `OTHER`."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, name: str) -> str:
        """Return the label value of a backend; empty where there is none."""
        if name and name not in self._known:
            if len(self._known) >= MAX_BACKENDS:
                return OTHER
            self._known.add(name)
        return name
