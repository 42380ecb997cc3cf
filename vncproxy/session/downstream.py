"""The seam to the user's side: a connection before it is a leg."""

from __future__ import annotations

from collections.abc import Awaitable

from zope.interface import Attribute, Interface

from ..errors import VNCProxyError
from ..model import Grant
from ..relay.leg import Leg
from ..rfb.greeting import Greeting
from .state import SessionState


class IDownstream(Interface):
    """A user's connection before it is a leg."""

    session: SessionState | None = Attribute("its session, set before any method is called")
    greeting: Greeting = Attribute("how far its viewer is greeted: a refusal goes on from there")

    leg: Leg | None = Attribute("the connection as a leg; None as long as it is none")

    def admit(grant: Grant) -> Awaitable[None]:
        """Take note that the token is good, before the console is looked for."""

    def open() -> Awaitable[Leg]:
        """Answer that the console is there; returns the leg on which RFB begins."""

    def refuse(error: VNCProxyError, session_id: str) -> Awaitable[None]:
        """Tell the user why there is no console; returns when the connection is closed."""
