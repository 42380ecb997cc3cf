"""Policies as issuers ask for them: what is not enforced is refused, never ignored."""

from __future__ import annotations

from dataclasses import replace

from ..config.urls import normal_origin_pattern
from ..errors import PolicyUnsupported
from ..model import Policy
from .refusals import IssueRefused


def check_policy(policy: Policy) -> Policy:
    """Return a policy that is enforced in full, with its origins in the form browsers send.

    Raises:
        IssueRefused: with the field that is not enforced, or an origin that is none.
    """
    if part := policy.not_enforced():
        name, value = part
        raise IssueRefused(
            f"{name}: {value} is not enforced by this proxy, so it is refused",
            field=f"policy.{name}",
            code=PolicyUnsupported.code,
        )
    if wrong := policy.wrong_time():
        field, message = wrong
        raise IssueRefused(message, field=f"policy.{field}")
    origins = tuple(_origin(text, n) for n, text in enumerate(policy.allowed_origins))
    return replace(policy, allowed_origins=origins)


def _origin(text: str, number: int) -> str:
    try:
        return normal_origin_pattern(text)
    except ValueError as e:
        field = f"policy.allowed_origins.{number}"
        raise IssueRefused(str(e), field=field) from e
