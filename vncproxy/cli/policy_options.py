"""A token's policy on the command line: ``--policy KEY=VALUE`` and ``--policy-json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime

import click

from ..model import Policy

KEYS = tuple(field.name for field in fields(Policy))
_SEPARATORS = {"client_networks": ",", "allowed_origins": ",", "hours": ";", "power": ","}
"""What separates the values of lists; the days of a window have commas between them."""

_MOMENTS = frozenset({"not_before", "not_after"})


def parse_policy(pairs: Iterable[str], text: str | None) -> dict[str, object]:
    """Return a policy as the API takes it.

    Args:
        pairs: ``KEY=VALUE``; commas separate the values of lists, semicolons windows of hours.
            Moments may be written as RFC 3339 has them. They win over ``text``.
        text: a JSON object.

    Raises:
        BadParameter: an unknown key, or no JSON object; the API checks the values.
    """
    policy = _object(text) if text else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in KEYS:
            message = f"{pair!r} is not KEY=VALUE with one of the keys {', '.join(KEYS)}"
            raise click.BadParameter(message, param_hint="--policy")
        policy[key] = _value(key, value)
    return policy


def _object(text: str) -> dict[str, object]:
    try:
        policy = json.loads(text)
    except ValueError as e:
        raise click.BadParameter(f"it is not JSON: {e}", param_hint="--policy-json") from e
    if not isinstance(policy, dict):
        raise click.BadParameter("it is no JSON object", param_hint="--policy-json")
    return policy


def _value(key: str, text: str) -> object:
    if key in _SEPARATORS:
        return [part.strip() for part in text.split(_SEPARATORS[key]) if part.strip()]
    try:
        return json.loads(text)
    except ValueError:
        return _seconds(text) if key in _MOMENTS else text


def _seconds(text: str) -> float:
    """Return a moment in seconds since 1970."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        words = f"{text!r} is no moment with a time zone, such as 2026-11-30T08:00:00+01:00"
        raise click.BadParameter(words, param_hint="--policy")
    return moment.timestamp()
