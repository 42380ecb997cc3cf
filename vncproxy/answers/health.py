"""Health of one proxy."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .problems import ErrorAnswer
from .values import Described


class Health(TypedDict):
    """The process answers."""

    status: Annotated[str, Described(enum=["ok"])]


class Readiness(Health):
    """A session could begin now.

    Attributes:
        parts: what was checked, ``ok`` or the code of what is wrong.
    """

    parts: dict[str, str]


class Unready(ErrorAnswer):
    """No session could begin now.

    Attributes:
        parts: what was checked, ``ok`` or the code of what is wrong.
    """

    parts: dict[str, str]
