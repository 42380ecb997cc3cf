"""The stages of a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from ..interfaces import IStage, IViewerStage
from ..model import Policy, Sharing
from ..rfb.server_init import pixel_format_of
from ..rfb.server_messages import FormatChanges
from .rules import rules_for
from .to_client import ServerFilter
from .to_server import ViewerFilter
from .xvp import XvpPower


def stages_for(
    policy: Policy,
    server_init: bytes,
    *,
    view_only: bool | None = None,
    check: bool = False,
    recorded: bool = False,
    power: XvpPower | None = None,
    seconds: Callable[[], float] = monotonic,
) -> tuple[IStage, ...]:
    """Return the stages that a policy needs: none where it restricts nothing.

    A server's messages have a stage only where its clipboard is restricted; otherwise its updates
    stay on the fast path.

    Args:
        server_init: the ServerInit message, for its pixel format.
        view_only: whether the user may not control the machine now; None for what the policy says.
        seconds: a monotonic clock.
        check: whether a viewer's messages are checked although nothing is restricted.
        recorded: whether the server's messages have to be of kinds that a recording can be played
            with.
        power: answers the viewer's requests for power; a server's messages have a stage then.

    Raises:
        UpstreamViolation: such a pixel format cannot exist.
    """
    changes = policy.sharing is Sharing.ONE_DRIVER
    needed = check or view_only or changes or recorded or policy.restricts_messages
    if not needed and power is None:
        return ()
    rules = rules_for(policy)
    rules.recorded, rules.power = recorded, power
    if view_only is not None:
        rules.view_only = view_only
    if not rules.limits_from_guest and power is None:
        return (ViewerFilter(rules, seconds=seconds),)
    formats = FormatChanges(pixel_format_of(server_init))
    return (ViewerFilter(rules, formats, seconds), ServerFilter(rules, formats, seconds))


def stage_of_viewer(stages: Sequence[IStage]) -> IViewerStage | None:
    """Return the stage by which a session's rights may change; None where there is none."""
    return next((stage for stage in stages if IViewerStage.providedBy(stage)), None)
