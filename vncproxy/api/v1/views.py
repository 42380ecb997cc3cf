"""What the routes of the API lead to, together: each view serves one kind of thing."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from ..health import Readiness
from ..zones import ZoneDesk
from .approvals import ApprovalsView
from .events import EventsView
from .inventory import Inventory
from .joining import JoiningView
from .keys import KeysView
from .power import PowerView
from .proxies import ProxiesView
from .recordings import RecordingsView
from .screen import ScreenView
from .screenshots import ScreenshotsView
from .sessions import SessionsView
from .tokens import Tokens
from .typing import TypingView


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """The views of the API, by what they serve."""

    tokens: Tokens
    keys: KeysView
    sessions: SessionsView
    joining: JoiningView
    approvals: ApprovalsView
    proxies: ProxiesView
    events: EventsView
    power: PowerView
    zones: ZoneDesk
    inventory: Inventory
    screenshots: ScreenshotsView
    recordings: RecordingsView
    typing: TypingView
    screen: ScreenView
    readiness: Readiness
    metrics_registry: CollectorRegistry
