"""The JSON by which a process says where a machine is, a public contract."""

from __future__ import annotations

from typing import Any

from ..model import MachineHost

MOST_NAMES = 16
"""Names of one host that are read."""


def encode(found: MachineHost) -> dict[str, Any]:
    """Return what an answer has as its member ``found``."""
    return {"hosts": list(found.names), "runs": found.runs, "uuid": found.uuid}


def decode(found: object) -> list[MachineHost]:
    """Return what another process has said; nothing where it knows none, or is malformed."""
    if not isinstance(found, dict):
        return []
    names, uuid = found.get("hosts"), found.get("uuid", "")
    if not isinstance(names, list) or not isinstance(uuid, str):
        return []
    texts = tuple(name for name in names[:MOST_NAMES] if isinstance(name, str))
    return [MachineHost(texts, found.get("runs") is True, uuid)]
