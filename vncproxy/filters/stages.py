"""The stages of a session."""

from __future__ import annotations

from ..interfaces import IStage
from ..model import Policy
from ..rfb.server_init import pixel_format_of
from ..rfb.server_messages import FormatChanges
from .rules import rules_for
from .to_client import ServerFilter
from .to_server import ViewerFilter


def stages_for(policy: Policy, server_init: bytes, *, check: bool = False) -> tuple[IStage, ...]:
    """Return the stages that a policy needs: none where it restricts nothing.

    A server's messages have a stage only where its clipboard is restricted; otherwise its updates
    stay on the fast path.

    Args:
        server_init: the ServerInit message, for its pixel format.
        check: whether a viewer's messages are checked although nothing is restricted.

    Raises:
        UpstreamViolation: such a pixel format cannot exist.
    """
    if not check and not policy.restricts_messages:
        return ()
    rules = rules_for(policy)
    if not rules.limits_from_guest:
        return (ViewerFilter(rules),)
    formats = FormatChanges(pixel_format_of(server_init))
    return (ViewerFilter(rules, formats), ServerFilter(rules, formats))
