"""What the start page has of the API: the same machines, links, pictures and keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .audit import ApiAudit
from .gate import Gate
from .keys import ApiKeys
from .machine_lists import MachineLists
from .permissions import Permissions
from .v1.screenshots import ScreenshotsView
from .v1.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Front:
    """What the start page has of the API.

    Attributes:
        lists: of machines, a few seconds old at most.
        permissions: which machines a caller sees.
        tokens: issues links.
        pictures: of screens; None where none can be taken.
        keys: of callers.
        gate: counts their requests.
        audit: writes what was done.
        backends: their names.
    """

    lists: MachineLists
    permissions: Permissions
    tokens: Tokens
    pictures: ScreenshotsView | None
    keys: ApiKeys
    gate: Gate
    audit: ApiAudit
    backends: Collection[str]
