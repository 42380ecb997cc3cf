"""What the configuration says about zones with links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..zones.request import Peer
from .dialled import DialledZone


@dataclass(frozen=True, slots=True)
class LinkedZones:
    """The zones with links, and this one.

    Attributes:
        own: the name of this zone.
        proxy: the name of this proxy.
        dialled: the zones that are dialled from here.
        dialling: those that dial us, with the seconds that one tunnel may take.
        peers: all zones that may ask, whether or not they have links.
        peer_address: where this process listens for others; empty for the address that leads to
            Redis.
    """

    own: str = ""
    proxy: str = ""
    dialled: tuple[DialledZone, ...] = ()
    dialling: Mapping[str, float] = field(default_factory=dict)
    peers: Mapping[str, Peer] = field(default_factory=dict)
    peer_address: str = ""

    def refuses(self, zone: str, key_id: str, now: float) -> str:
        """Return why a link that stands must not stand any more; empty where it may.

        Args:
            key_id: of the key that the zone proved when it dialled.
            now: wall-clock time.
        """
        if zone not in self.dialling:
            return "the zone may not dial any more"
        for each in self.peers[zone].keys:
            if each.key.id == key_id:
                over = each.until is not None and now >= each.until
                return f"its key {key_id} has expired" if over else ""
        return f"its key {key_id} is not accepted any more"
