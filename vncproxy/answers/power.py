"""What was done to a machine's power."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .values import Described

Action = Annotated[str, Described(enum=["start", "shutdown", "reboot", "reset", "off"])]
"""What is done to a machine's power."""


class Powered(TypedDict):
    """What was done to a machine's power.

    Attributes:
        done: false where the guest or the hypervisor was asked and does it later; the status is
            then 202.
    """

    vm: str
    action: Action
    done: bool
