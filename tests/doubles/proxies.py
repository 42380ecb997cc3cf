"""Announcements of proxies, right in all but what a test is about."""

from __future__ import annotations

import hashlib
from typing import Any

from vncproxy.model import Announcement, Identity


def hexadecimal(text: str) -> str:
    """Return 16 hexadecimal digits, the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def announced(
    name: str, *, proxy_id: str = "", worker: int = 0, generation: int = 1, **more: Any
) -> Announcement:
    """Return what a process of a proxy announces."""
    proxy_id = proxy_id or hexadecimal(name)
    worker_id = hexadecimal(f"{proxy_id} {worker} {generation}")
    return Announcement(
        Identity(proxy_id, worker_id, name, worker=worker, generation=generation), **more
    )
