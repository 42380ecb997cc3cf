"""The cards that viewers without a page are shown while their session waits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ..model import Approval, UnixTime
from ..painted.card import Button, Card

ACCEPT: Final = Button("Accept (Enter)", primary=True)
LEAVE: Final = Button("Leave (Esc)")


def banner_card(text: str) -> Card:
    """Return the card with the text that the user has to accept."""
    return Card(
        "Please read this first",
        text,
        "Press Enter to accept, Escape to leave",
        (ACCEPT, LEAVE),
    )


def approval_card(approval: Approval, machine: str, user: str, since: UnixTime) -> Card:
    """Return the card of a session that waits for approval.

    Args:
        machine: its address.
        user: whose session it is.
        since: when the wait began.
    """
    moment = datetime.fromtimestamp(since, UTC).strftime("%H:%M:%S")
    people = "one person" if approval.needed == 1 else f"{approval.needed} people"
    lines = [
        f"The console of {machine} opens for {user or 'you'} when {people} with the right to "
        "approve have said yes.",
        "",
        f"Waiting since {moment} UTC.",
        f"{len(approval.by)} of {approval.needed} have approved"
        + (f": {', '.join(approval.by)}" if approval.by else "."),
    ]
    return Card("Waiting for approval", "\n".join(lines), "Escape leaves", (LEAVE,))


def opening_card(machine: str) -> Card:
    """Return the card while the console is connected."""
    return Card("Opening", f"The console of {machine} opens.", "Release all keys and buttons")


def last_card(sentence: str) -> Card:
    """Return the card of a session that does not begin."""
    return Card("Not opened", sentence, "Escape leaves", (LEAVE,))
