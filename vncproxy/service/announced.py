"""How a proxy is called, and where users reach it."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from ..config.settings import Settings
from ..model import ConsoleType


def urls_of(settings: Settings) -> Mapping[ConsoleType, str]:
    """Return where users reach this proxy, by the type of their viewers."""
    base_url, xvp_url = settings.public.announced
    return {ConsoleType.NOVNC: base_url, ConsoleType.XVPVNC: xvp_url}


def proxy_name(settings: Settings) -> str:
    """Return what this proxy is called in the audit log and the API."""
    return settings.proxy.name or socket.gethostname()
