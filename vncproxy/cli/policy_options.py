"""A token's policy on the command line: ``--policy KEY=VALUE`` and ``--policy-json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields

import click

from ..model import Policy

KEYS = tuple(field.name for field in fields(Policy))
_LISTS = frozenset({"client_networks", "allowed_origins", "hours", "power"})


def parse_policy(pairs: Iterable[str], text: str | None) -> dict[str, object]:
    """Return a policy as the API takes it.

    Args:
        pairs: ``KEY=VALUE``; values of lists are separated by commas. They win over ``text``.
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
    if key in _LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return json.loads(text)
    except ValueError:
        return text
