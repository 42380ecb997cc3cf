"""What another zone is told of a session that goes there."""

from __future__ import annotations

from dataclasses import replace

from ..errors import ZoneForbidden
from ..model import Journey, Mode
from .conditions import without_own
from .services import Services
from .sharing import sharing_at_zone
from .state import SessionState


def journey_to(zone: str, session: SessionState, services: Services) -> Journey:
    """Return what a zone is told of a session, with the policy that it is to enforce.

    Raises:
        ZoneForbidden: the zone that the session comes from may not see machines of that one.
    """
    grant = session.grant
    assert grant is not None
    policy, visit = grant.token.policy, grant.token.visit
    policy = replace(policy, sharing=sharing_at_zone(session))
    if visit is not None and not services.shows_zone(visit.zone, zone):
        raise _forbidden(visit.zone, zone)
    if policy.max_duration is not None:
        since = services.reactor.seconds() - session.started
        left = max(1.0, policy.max_duration - grant.age - since)
        policy = replace(policy, max_duration=left)
    policy = without_own(policy)
    # enforced here, where it may change: the other zone would go on dropping keys
    # and what the user may do to the machine's power is asked for by a request of its own
    policy = replace(policy, mode=Mode.CONTROL, power=())
    client, via = session.user_request.client, visit.via if visit else ()
    return Journey(session.id, grant.token.user, client, policy, via)


def _forbidden(asking: str, asked: str) -> ZoneForbidden:
    return ZoneForbidden(
        f"the machine is in the zone {asked}, which accept.backends of {asking} does not have",
        public=f"The virtual machine is in the zone {asked}, which is not shown to {asking}.",
    )
