"""What a key may do."""

from __future__ import annotations

from typing_extensions import TypedDict

from .values import Time


class Self(TypedDict):
    """What the key of a request may do.

    Attributes:
        name: as named in the audit.
        scopes: its rights; ``admin`` includes most of the others.
        backends: names of the backends that it may touch, or ``*``.
        vms: patterns for the machines that it may touch.
        everything: whether it may touch every machine, and so drain proxies.
        expires_at: null for no end.
    """

    name: str
    scopes: list[str]
    backends: list[str]
    vms: list[str]
    everything: bool
    expires_at: Time | None
