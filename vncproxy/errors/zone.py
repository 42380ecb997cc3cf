"""Errors between zones: of the zone that was asked, or of what was asked for."""

from __future__ import annotations

from typing import ClassVar

from .client import ConsoleOccupied, OverLimit
from .hypervisor import HypervisorError
from .machine import ConsoleUnavailable, MachineOff, NoGraphicalConsole, VMNotFound
from .root import VNCProxyError
from .service import Busy, StoreUnavailable
from .session_end import (
    ConnectionLost,
    ConsoleEnded,
    ConsoleMoved,
    ConsoleTaken,
    EndedByAdministrator,
    IdleLimit,
    MayTakeBack,
    OutsideHours,
    ProxyDraining,
    ProxyStopping,
    Superseded,
    TakenOver,
    TimeLimit,
    UserElsewhere,
)


class ZoneError(HypervisorError):
    """The console of another zone could not be shown.

    Args:
        zone: the name of that zone, for the sentence.
    """

    public = "Another zone could not show the console."
    code = "zone-error"
    named: ClassVar[str] = "The zone {zone} could not show the console."

    def __init__(self, detail: str = "", *, public: str | None = None, zone: str = "") -> None:
        super().__init__(detail, public=public or (self.named.format(zone=zone) if zone else None))


class ZoneUnreachable(ZoneError):
    """Nothing answers at the zone's address."""

    public = "Another zone cannot be reached."
    code = "zone-unreachable"
    named = "The zone {zone} cannot be reached."


class ZoneNotConnected(ZoneUnreachable):
    """The zone dials this one, and has no link to it now."""

    public = "Another zone is not connected."
    status = 503
    close_code = 4102
    code = "zone-not-connected"
    named = "The zone {zone} is not connected."


class ZoneLinkLost(ZoneUnreachable):
    """The zone dials this one, and its link was lost before it made a connection for a console."""

    public = "The connection to another zone was lost. Try again in a moment."
    status = 503
    close_code = 4102
    code = "zone-link-lost"
    ask_administrator = False
    named = "The connection to the zone {zone} was lost. Try again in a moment."


class ZoneUntrusted(ZoneError):
    """The zone's certificate is not verified."""

    public = "Another zone could not prove its identity."
    code = "zone-untrusted"
    named = "The zone {zone} could not prove its identity."


class ZoneUnknown(ZoneError):
    """The zone has no table for the one that asks, or has another name than it was asked by."""

    public = "Another zone does not know this one."
    code = "zone-unknown"
    named = "The zone {zone} does not know this zone."


class ZoneKeyRefused(ZoneError):
    """The zone does not accept the key that a request was signed with."""

    public = "Another zone does not accept the key of this one."
    code = "zone-key-refused"
    named = "The zone {zone} does not accept the key of this zone."


class ZoneKeyExpired(ZoneError):
    """The zone accepted the key until a moment that is over."""

    public = "The key of this zone has expired in another one."
    code = "zone-key-expired"
    named = "The key of this zone has expired in the zone {zone}."


class ZoneClock(ZoneError):
    """The clocks of two zones differ by more than a request may."""

    public = "The clocks of two zones differ too much."
    code = "zone-clock"
    named = "The clocks of this zone and of the zone {zone} differ too much."


class ZoneReplayed(ZoneError):
    """A request came twice."""

    public = "Another zone was asked twice in the same words."
    code = "zone-replayed"
    named = "The zone {zone} was asked twice in the same words. Try again."


class ZoneHopLimit(ZoneError):
    """A console is more zones away than a zone allows."""

    public = "The console is too many zones away."
    code = "zone-hop-limit"
    named = "The console is more zones away than the zone {zone} allows."


class ZoneLoop(ZoneError):
    """The address of a machine leads back to a zone that the session has passed."""

    public = "The console's address leads in a circle."
    code = "zone-loop"
    named = "The console's address leads back to the zone {zone}, in a circle."


class ZonePolicyRefused(ZoneError):
    """The zone cannot enforce a restriction that it was asked for."""

    public = "Another zone cannot enforce the restrictions of this console link."
    code = "zone-policy-refused"
    named = "The zone {zone} cannot enforce the restrictions of this console link."


class ZoneForbidden(ZoneError):
    """The zone does not show these machines to the one that asks."""

    public = "Another zone does not show this virtual machine here."
    code = "zone-forbidden"
    named = "The zone {zone} does not show this virtual machine here."


class ZoneDraining(ZoneError):
    """The zone's proxy takes no new sessions now."""

    public = "Another zone takes no new consoles at the moment. Try again in a moment."
    status = 503
    close_code = 4102
    code = "zone-draining"
    ask_administrator = False
    named = "The zone {zone} takes no new consoles at the moment. Try again in a moment."


class ZoneSays(ZoneError):
    """The zone refuses or ends a console for a reason of its own, which it gives."""

    public = "Another zone closed the console."
    code = "zone-says"
    ask_administrator = False
    named = "The zone {zone} closed the console."


ASKED: dict[str, type[ZoneError]] = {
    each.code: each
    for each in (
        ZoneUnknown,
        ZoneKeyRefused,
        ZoneKeyExpired,
        ZoneClock,
        ZoneReplayed,
        ZoneHopLimit,
        ZoneLoop,
        ZonePolicyRefused,
        ZoneForbidden,
        ZoneDraining,
    )
}
"""The errors with which a zone answers a request, by their code."""

_SAID: tuple[type[VNCProxyError], ...] = (
    Busy,
    ConsoleEnded,
    ConsoleMoved,
    ConnectionLost,
    ConsoleOccupied,
    ConsoleTaken,
    EndedByAdministrator,
    IdleLimit,
    OutsideHours,
    MayTakeBack,
    OverLimit,
    StoreUnavailable,
    ProxyDraining,
    ProxyStopping,
    Superseded,
    TakenOver,
    TimeLimit,
    UserElsewhere,
    VMNotFound,
)
"""What a zone may say; of those with one close code, the first where the sentence does not tell."""


def said_by_zone(zone: str, close_code: int, reason: str) -> VNCProxyError:
    """Return why a zone has refused or ended a console, in its own words.

    Args:
        close_code: of its close frame; 0 where there was none.
        reason: its sentence, untrusted; empty where there was none.
    """
    detail = f"zone {zone}, close code {close_code}: {reason}"
    public = f"The zone {zone} says: {reason}" if reason else None
    if close_code == ConsoleUnavailable.close_code:
        return ConsoleUnavailable("not running", detail, public=public)
    if close_code == MachineOff.close_code:
        off = ConsoleUnavailable("off", detail, public=public)
        off.is_off = True
        return off
    if close_code == NoGraphicalConsole.close_code:
        return NoGraphicalConsole(detail, public=public)
    kinds = [kind for kind in _SAID if kind.close_code == close_code]
    kind = next((kind for kind in kinds if kind.public == reason), kinds[0] if kinds else None)
    return (
        ZoneSays(detail, public=public, zone=zone) if kind is None else kind(detail, public=public)
    )
