"""``vncproxy power``: start, stop and reset machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import click

from ..model import PowerAction
from .connection import api_command, json_option, print_json

if TYPE_CHECKING:
    from ..client import Client

_DONE = {
    PowerAction.START: "started",
    PowerAction.SHUTDOWN: "shut down",
    PowerAction.REBOOT: "rebooted",
    PowerAction.RESET: "reset",
    PowerAction.OFF: "switched off",
}


@click.command(
    epilog="""\b
Actions:
  start     switch a machine on that is off
  shutdown  ask its guest to shut down
  reboot    ask its guest to reboot
  reset     reset it at once; what the guest has not saved is lost
  off       switch it off at once; what the guest has not saved is lost
""",
)
@click.argument("vm", metavar="BACKEND/VM")
@click.argument("action", type=click.Choice([each.value for each in PowerAction]))
@json_option
@api_command
def power(api: Client, vm: str, action: str, as_json: bool) -> None:
    """Start, stop or reset a machine, where its backend has `power = true`.

    The key needs the scope `power`.
    """
    answer = api.power(vm, cast("Literal['start']", action))
    if as_json:
        print_json(answer)
    elif answer["done"]:
        click.echo(f"{vm} is {_DONE[PowerAction(action)]}")
    else:
        click.echo(f"{vm} was asked to {action}, and does so when it is ready")
