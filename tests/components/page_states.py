"""The states in which a user may see the console page, reached as they are with a gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.components.chromium import STATE
from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import Answer, Close, Hold, Refuse, Show

SCREEN = Show(name="web-01", size=(640, 400), power=("shutdown", "reboot", "reset", "off"))
OTHERS = [
    {"name": "bob@example.com", "mode": "control", "drives": True},
    {"name": "", "mode": "view-only", "shadow": True},
]
BANNER = "This machine belongs to Example Ltd.\nUse it for your work only. " * 4

Reach = Callable[[PageTestCase], Awaitable[None]]


def ended(answer: Answer) -> Reach:
    """Return what leads to the card after an answer."""

    async def reach(case: PageTestCase) -> None:
        await case.open(answers=[answer])
        await case.until("return ['ended', 'waiting'].includes(document.body.dataset.state)", True)

    return reach


def opened(script: str, address: str = "?token=abc") -> Reach:
    """Return what leads to the connected page after a script in it."""

    async def reach(case: PageTestCase) -> None:
        await connected(case, address)
        await case.js(script)

    return reach


async def connected(case: PageTestCase, address: str = "?token=abc") -> None:
    """Show the screen, with all that a session may have."""
    await case.open(address, [SCREEN])
    await case.until(STATE, "connected")
    console = case.gateway.consoles[-1]
    console.say("people", others=OTHERS, found=True)
    console.say("driver", who="other", may=True)
    console.say("invitations")
    console.say("recording", on=True)
    await case.until("return document.querySelector('#people').hidden", False)


async def connecting(case: PageTestCase) -> None:
    """Wait for the screen."""
    before = len(case.gateway.consoles)
    await case.open(answers=[Hold()])
    await case.until_here(lambda: len(case.gateway.consoles) > before, True)


async def moving(case: PageTestCase) -> None:
    """Show the last picture while the console moves to another gateway."""
    await connected(case)
    case.gateway.answers = [Hold()]
    case.gateway.consoles[-1].move()
    await case.until(STATE, "moving")


async def asked(case: PageTestCase) -> None:
    """Show a text that is to be accepted."""
    await connecting(case)
    case.gateway.consoles[-1].say("consent", banner=BANNER, accepted=False)
    await case.until("return document.querySelector('#consent').open", True)


async def approving(case: PageTestCase) -> None:
    """Wait for others who approve."""
    await connecting(case)
    told = {"needed": 2, "by": ["carol"], "since": "2026-01-02T03:04:05Z"}
    case.gateway.consoles[-1].say("consent", accepted=True, user="alice", vm="lab/web-01", **told)
    await case.until("return document.querySelector('#consent').open", True)


def menu(name: str) -> Reach:
    """Return what leads to an open menu."""
    return opened(f"document.querySelector('#{name}').click()")


CONFIRM = """
    document.querySelector("#power").click();
    document.querySelector("[data-power=off]").click();
"""
INVITE = """
    document.querySelector("#people").click();
    document.querySelector("#open-invite").click();
"""
STATES: dict[str, Reach] = {
    "connecting": connecting,
    "connected": connected,
    "view only": opened("", "?token=abc&view_only=true"),
    "compact": opened("document.querySelector('#handle').focus()", "?token=abc&compact=1"),
    "moving": moving,
    **{f"menu {name}": menu(name) for name in ("keys", "view", "about", "people", "power")},
    "dialog type text": menu("open-typing"),
    "dialog clipboard": menu("open-clipboard"),
    "dialog power": opened(CONFIRM),
    "dialog invite": opened(INVITE),
    "dialog consent": asked,
    "dialog approval": approving,
    "key bar": opened("document.querySelector('#key-bar').hidden = false"),
    "no token": lambda case: case.open(""),
    "refused": ended(Refuse(4001, "This link has expired; ask for a new one. (id 7f3a91c2)")),
    "off": ended(Refuse(4100, "The machine web-01 is shut off. (id 7f3a91c2)")),
    "to be confirmed": ended(Refuse(4120, "The console opens when you press the button.")),
    "waiting": ended(Close(4113, "The console service is restarting.")),
    "ended": ended(Refuse(4010, "Closed for maintenance by the operators.")),
    "unreachable": ended(Close(0)),
}
"""What leads to each state, by its name."""
