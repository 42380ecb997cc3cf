"""Processes that have not confirmed an order, for people."""

from __future__ import annotations

import click

from ..answers import Confirmed
from ..text import printable


def warn_unconfirmed(answer: Confirmed) -> None:
    """Print a line for each process that has not confirmed in time."""
    for late in answer.get("unconfirmed", ()):
        click.echo(
            f"warning: proxy {printable(late['name'])} (process {late['worker']}) has not "
            "confirmed yet; it obeys as soon as it reaches Redis again",
            err=True,
        )
