"""``vncproxy screen wait``: waits until a machine's screen is still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .connection import api_command, json_option, print_json
from .failures import Refused

if TYPE_CHECKING:
    from ..client import Client

_Area = tuple[int, int, int, int]


@click.group()
def screen() -> None:
    """Wait for the screens of machines."""


@screen.command()
@click.argument("vm", metavar="BACKEND/VM")
@click.option(
    "--stable-for",
    type=click.FloatRange(0, 60),
    default=1,
    show_default=True,
    help="Seconds without a change.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 300),
    default=30,
    show_default=True,
    help="Seconds to wait at most.",
)
@click.option(
    "--area",
    nargs=4,
    type=int,
    metavar="X Y WIDTH HEIGHT",
    help="What is looked at, in pixels.",
)
@click.option(
    "--ignore",
    nargs=4,
    type=int,
    multiple=True,
    metavar="X Y WIDTH HEIGHT",
    help="A part that is left out; may be given several times.",
)
@click.option("--changed-from", metavar="DIGEST", help="Wait until the screen is another one.")
@json_option
@api_command
def wait(
    api: Client,
    *,
    vm: str,
    stable_for: float,
    timeout: float,
    area: _Area | None,
    ignore: tuple[_Area, ...],
    changed_from: str | None,
    as_json: bool,
) -> None:
    """Wait until the screen of a machine is still, and print its digest.

    The exit status is 1 where it is not within the timeout. The key needs the scope `screenshot`.
    """
    answer = api.wait_screen(
        vm,
        stable_for=stable_for,
        timeout=timeout,
        area=area,
        ignore=ignore,
        changed_from=changed_from,
    )
    if as_json:
        print_json(answer)
    else:
        click.echo(answer["digest"])
    if not answer["stable"]:
        raise Refused(f"the screen of {vm} was not still for {stable_for:g} s in {timeout:g} s")
    if answer["changed"] is False:
        raise Refused(f"the screen of {vm} has not changed in {timeout:g} s")
