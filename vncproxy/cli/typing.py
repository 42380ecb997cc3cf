"""``vncproxy type`` and ``vncproxy keys``: what a keyboard sends to a machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from ..keyboard import LAYOUTS
from .connection import api_command, json_option, print_json
from .failures import Misconfigured

if TYPE_CHECKING:
    from ..answers import TypedKeys
    from ..client import Client

_PAUSE = "pause="


def typing_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of how keys are typed."""
    options = (
        click.option(
            "--layout",
            type=click.Choice(LAYOUTS),
            default="us",
            show_default=True,
            help="The keyboard layout of the machine's guest.",
        ),
        click.option(
            "--rate",
            type=click.FloatRange(1, 100),
            default=20,
            show_default=True,
            help="Strokes in a second.",
        ),
        click.option(
            "--keysyms",
            is_flag=True,
            help="Send keysyms also where the console's server takes scan codes.",
        ),
        click.option(
            "--take-over",
            is_flag=True,
            help="Take the console from its viewer where it has one at a time.",
        ),
        click.option("--user", help="Who types, as named in the audit log."),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command("type")
@click.argument("vm", metavar="BACKEND/VM")
@click.argument("text")
@click.option("--enter", is_flag=True, help="Press Enter behind the text.")
@typing_options
@api_command
def type_text(
    api: Client,
    *,
    vm: str,
    text: str,
    enter: bool,
    layout: str,
    rate: float,
    keysyms: bool,
    take_over: bool,
    user: str | None,
    as_json: bool,
) -> None:
    """Type TEXT at the console of a machine; - reads it from the standard input.

    The key needs the scope `type`. All users of this machine can read command lines, so passwords
    come from the standard input.
    """
    wanted = (sys.stdin.read() if text == "-" else text) + ("\n" if enter else "")
    if not wanted:
        raise Misconfigured("there is no text to type")
    answer = api.type_keys(
        vm,
        text=wanted,
        layout=layout,
        rate=rate,
        codes=not keysyms,
        take_over=take_over,
        user=user,
    )
    _tell(answer, as_json=as_json)


@click.command()
@click.argument("vm", metavar="BACKEND/VM")
@click.argument("keys", nargs=-1, required=True)
@typing_options
@api_command
def keys(
    api: Client,
    *,
    vm: str,
    keys: Sequence[str],
    layout: str,
    rate: float,
    keysyms: bool,
    take_over: bool,
    user: str | None,
    as_json: bool,
) -> None:
    """Press KEYS at the console of a machine: down enter ctrl+alt+delete pause=1.5 f10.

    The key needs the scope `type`.
    """
    answer = api.type_keys(
        vm,
        keys=[_step(each) for each in keys],
        layout=layout,
        rate=rate,
        codes=not keysyms,
        take_over=take_over,
        user=user,
    )
    _tell(answer, as_json=as_json)


def _step(text: str) -> str | Mapping[str, object]:
    if not text.startswith(_PAUSE):
        return text
    try:
        return {"pause": float(text.removeprefix(_PAUSE))}
    except ValueError as e:
        raise Misconfigured(f"{text}: a pause is a number of seconds, such as pause=1.5") from e


def _tell(answer: TypedKeys, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        count = answer["keys"]
        click.echo(f"{count} {'key' if count == 1 else 'keys'} typed at {answer['vm']}")
