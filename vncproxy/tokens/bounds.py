"""Keeps policies within the bounds of their issuer.

What a policy leaves at its default becomes the most that is allowed, and what asks for more is
refused: a policy is never widened, and a restriction never dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from ..config.urls import normal_origin_pattern
from ..errors import Forbidden
from ..model import (
    LONGEST_BANNER,
    NO_BOUNDS,
    Clipboard,
    Inviting,
    Mode,
    Policy,
    PolicyBounds,
    PowerAction,
    Sharing,
)
from ..model.hours import lie_within
from ..origins import allows
from .refusals import IssueRefused

Network = IPv4Network | IPv6Network


class BeyondBounds(IssueRefused):
    """A policy asks for more than its issuer may allow."""

    status = Forbidden.status

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=f"policy.{field}", code=Forbidden.code)


def narrowed(policy: Policy, bounds: PolicyBounds) -> Policy:
    """Return a policy within bounds.

    Raises:
        BeyondBounds: it asks for more, with the field.
    """
    if bounds == NO_BOUNDS:
        return policy
    return replace(
        policy,
        mode=Mode.VIEW_ONLY if bounds.mode is Mode.VIEW_ONLY else policy.mode,
        sharing=_sharing(policy.sharing, bounds.sharing),
        max_duration=_seconds("max_duration", policy, bounds),
        idle_timeout=_seconds("idle_timeout", policy, bounds),
        client_networks=_networks(policy.client_networks, bounds.client_networks),
        allowed_origins=_origins(policy.allowed_origins, bounds.allowed_origins),
        record=policy.record or bounds.record,
        uses=_uses(policy.uses, bounds.uses),
        confirm=_confirm(policy.confirm, bounds.confirm),
        clipboard=_clipboard(policy.clipboard, bounds.clipboard),
        may_invite=_may_invite(policy.may_invite, bounds.may_invite),
        hours=_hours(policy.hours, bounds.hours),
        bandwidth=_bandwidth(policy.bandwidth, bounds.bandwidth),
        power=_power(policy.power, bounds.power),
        banner=_banner(policy.banner, bounds.banner),
        approval=_approval(policy.approval, bounds.approval),
    )


def _sharing(asked: Sharing, only: Sharing | None) -> Sharing:
    if only is None or asked in (only, Policy().sharing):
        return only or asked
    raise BeyondBounds("sharing", f"may only be {only.value}")


def _seconds(name: str, policy: Policy, bounds: PolicyBounds) -> float | None:
    asked: float | None = getattr(policy, name)
    most: float | None = getattr(bounds, name)
    if asked is None or most is None:
        return most if asked is None else asked
    if asked > most:
        raise BeyondBounds(name, f"may be at most {most:g} seconds")
    return asked


def _networks(asked: Sequence[Network], most: Sequence[Network]) -> tuple[Network, ...]:
    for each in asked if most else ():
        if not any(_is_within(each, network) for network in most):
            allowed = ", ".join(map(str, most))
            raise BeyondBounds("client_networks", f"may only name networks within {allowed}")
    return tuple(asked or most)


def _is_within(network: Any, other: Any) -> bool:
    return bool(network.version == other.version and network.subnet_of(other))


def _origins(asked: tuple[str, ...], most: Sequence[str] | None) -> tuple[str, ...]:
    for number, text in enumerate(asked if most is not None else ()):
        try:
            origin = normal_origin_pattern(text)
        except ValueError as e:
            raise IssueRefused(str(e), field=f"policy.allowed_origins.{number}") from e
        if origin not in (most or ()) and ("*" in origin or not allows(most or (), origin)):
            allowed = ", ".join(most or ()) or "none"
            raise BeyondBounds(f"allowed_origins.{number}", f"is not allowed; allowed: {allowed}")
    return asked


def _clipboard(asked: Clipboard, most: Clipboard | None) -> Clipboard:
    if most in (None, Clipboard.BOTH) or asked in (most, Clipboard.NONE):
        return asked
    if asked is Policy().clipboard:
        return most or asked
    raise BeyondBounds("clipboard", f"may only be {(most or asked).value}, or none")


def _may_invite(asked: Mode | None, most: Inviting | None) -> Mode | None:
    if asked is not None and most is not None and most.most not in (asked, Mode.CONTROL):
        allowed = "null" if most.most is None else f"{most.value}, or null"
        raise BeyondBounds("may_invite", f"may only be {allowed}")
    return asked


def _hours(asked: tuple[str, ...], most: tuple[str, ...]) -> tuple[str, ...]:
    for number, text in enumerate(asked if most else ()):
        field = f"hours.{number}"
        try:
            within = lie_within((text,), most)
        except ValueError as e:
            raise IssueRefused(str(e), field=f"policy.{field}") from e
        if not within:
            raise BeyondBounds(field, f"has to be within {', '.join(most)}, in its time zone")
    return asked or most


def _bandwidth(asked: int | None, most: int | None) -> int | None:
    if asked is None or most is None:
        return most if asked is None else asked
    if asked > most:
        raise BeyondBounds("bandwidth", f"may be at most {most} bytes in a second")
    return asked


def _power(
    asked: tuple[PowerAction, ...], most: Sequence[PowerAction] | None
) -> tuple[PowerAction, ...]:
    for each in asked if most is not None else ():
        if each not in (most or ()):
            allowed = ", ".join(action.value for action in most or ()) or "nothing"
            raise BeyondBounds("power", f"may not name {each.value}; it may name {allowed}")
    return asked


def _banner(asked: str, always: str) -> str:
    if always in asked:
        return asked
    both = f"{always}\n\n{asked}" if asked else always
    if len(both) > LONGEST_BANNER:
        most = LONGEST_BANNER - len(always) - 2
        raise BeyondBounds("banner", f"may have at most {most} characters beside the one required")
    return both


def _approval(asked: int, least: int) -> int:
    if asked and asked < least:
        raise BeyondBounds("approval", f"may be at least {least}")
    return asked or least


def _uses(asked: int, most: int | None) -> int:
    if most is not None and not 0 < asked <= most:
        raise BeyondBounds("uses", f"may be from 1 to {most}")
    return asked


def _confirm(asked: bool | None, always: bool) -> bool | None:
    if always and asked is False:
        raise BeyondBounds("confirm", "may not be false")
    return always or asked
