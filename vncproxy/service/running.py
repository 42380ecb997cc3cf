"""The running proxy, as far as a reload can change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..config.settings import Settings
from ..downstream.tls_listener import ListenerTLS
from ..links.links import ZoneLinks
from ..model import Identity
from ..session.audit import AuditLog
from ..session.registry import SessionRegistry
from .components import Components
from .hosts import Hosts
from .log_file import ProcessLog
from .sites import Sites

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster
    from ..recording.recordings import Recordings
    from .archive import Archive
    from .replaying import Copies
    from .reviews import Reviews


@dataclass(slots=True)
class RunningProxy:
    """The running proxy, as far as a reload can change it.

    Attributes:
        tls: the listeners that speak TLS.
        log: the file that the process logs to.
        identity: of this process, which no reload changes.
        cluster: the other proxies; None where nothing is shared with any.
        hosts: the hosts that it serves, and its peers.
        links: between zones.
        recordings: of sessions; None where none are made.
        copies: playable ones of recordings; None where none are made.
        reviews: what watches recordings; None where none are made.
        archive: the recordings that are kept; None where there are none.
    """

    settings: Settings
    components: Components
    sessions: SessionRegistry
    sites: Sites
    audit: AuditLog
    tls: Sequence[ListenerTLS]
    log: ProcessLog
    identity: Identity
    links: ZoneLinks
    cluster: Cluster | None = None
    hosts: Hosts | None = None
    recordings: Recordings | None = None
    copies: Copies | None = None
    reviews: Reviews | None = None
    archive: Archive | None = None
