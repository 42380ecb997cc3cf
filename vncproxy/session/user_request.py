"""A user's request for a console, whatever connection it came by."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import ConsoleType


@dataclass(frozen=True, slots=True)
class UserRequest:
    """A user's request for a console.

    Attributes:
        client: the user's IP address.
        token: the secret as it came, empty when there was none.
        resume: the secret of a resume cookie.
        untrusted_origin: the page's origin when it is neither the proxy's own nor allowed by the
            configuration.
        confirmed: whether the user has pressed the button of a page that asks before it opens a
            console; viewers that have no page are not asked.
        takes: whether the user has asked to take the console from others, where that was refused.
        can_follow: whether its page goes to another proxy when it is sent there.
        reenter: the same, as another proxy's page has handed it over in the link to this one.
        can_move: whether its page enters the console again when it is asked to.
        can_talk: whether its page sends and understands messages beside the console.
        start: whether the user has asked for a machine that is off to be started.
        login: the secret of the cookie by which its user is logged in; empty for none.
        language: in which its user is told reasons, one of `vncproxy.languages`.
        types: whether it has no viewer: the proxy types what a caller of the API asks for.
    """

    type: ConsoleType
    client: str
    token: str = field(repr=False)
    resume: str | None = field(default=None, repr=False)
    untrusted_origin: str | None = None
    confirmed: bool = False
    can_move: bool = False
    can_follow: bool = False
    reenter: str = field(default="", repr=False)
    can_talk: bool = False
    takes: bool = False
    start: bool = False
    login: str = field(default="", repr=False)
    types: bool = False
    language: str = "en"
