"""What an order to all proxies did."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from .values import Count, SessionMode


class LateProcess(TypedDict):
    """A process that has not confirmed an order within a second; it obeys as soon as it can.

    Attributes:
        proxy: the id of its proxy.
        name: the name of its proxy.
        worker: its own id.
    """

    proxy: str
    name: str
    worker: str


class Confirmed(TypedDict):
    """What an order did, as far as it is known.

    Attributes:
        unconfirmed: processes that have not confirmed in time; the status is then 207.
    """

    unconfirmed: NotRequired[list[LateProcess]]


class Revocation(Confirmed):
    """How much was revoked.

    Attributes:
        revoked: tokens.
        ended: their sessions, at all proxies.
    """

    revoked: Count
    ended: Count


class ChangedSession(Confirmed):
    """What the user of a session may do from now on.

    Attributes:
        mode: whether the user may control the machine.
        reenters: whether the page enters the console again for that, as a session with another id.
    """

    mode: SessionMode
    reenters: bool


class MessagedSession(Confirmed):
    """What became of a message to the user of a session.

    Attributes:
        shown: whether it was sent to the user's page, which shows it; false for native viewers,
            which cannot, and for a page whose connection is full.
    """

    shown: bool


class EndedSessions(Confirmed):
    """How many sessions were ended.

    Attributes:
        ended: sessions, at all proxies.
        revoked: tokens, where that was asked for.
    """

    ended: Count
    revoked: NotRequired[Count]


class Draining(Confirmed):
    """How many processes have begun to drain.

    Attributes:
        draining: processes of the proxies that are named.
    """

    draining: Count
