"""Keeps bounds of policies within others, for issuers that are made by issuers."""

from __future__ import annotations

from dataclasses import fields, replace

from ..model import Mode, Policy, PolicyBounds
from .bounds import BeyondBounds, narrowed


def narrowed_bounds(asked: PolicyBounds, most: PolicyBounds) -> PolicyBounds:
    """Return bounds within others; what is not asked for becomes the most.

    Raises:
        BeyondBounds: they ask for more, with the field.
    """
    _check_choices(asked, most)
    policy = narrowed(_as_policy(asked), most)
    return PolicyBounds(
        mode=asked.mode or most.mode,
        sharing=asked.sharing or most.sharing,
        max_duration=policy.max_duration,
        idle_timeout=policy.idle_timeout,
        client_networks=policy.client_networks,
        allowed_origins=most.allowed_origins
        if asked.allowed_origins is None
        else asked.allowed_origins,
        record=policy.record,
        uses=asked.uses or most.uses,
        confirm=asked.confirm or most.confirm,
        clipboard=(asked.clipboard and policy.clipboard) or most.clipboard,
        may_invite=asked.may_invite or most.may_invite,
        hours=policy.hours,
        bandwidth=policy.bandwidth,
        power=most.power if asked.power is None else asked.power,
        banner=policy.banner,
        approval=policy.approval,
    )


def _check_choices(asked: PolicyBounds, most: PolicyBounds) -> None:
    if most.mode is Mode.VIEW_ONLY and asked.mode is Mode.CONTROL:
        raise BeyondBounds("mode", "may only be view-only")
    for name in ("sharing",):
        mine, only = getattr(asked, name), getattr(most, name)
        if None not in (mine, only) and mine is not only:
            raise BeyondBounds(name, f"may only be {only.value}")


def _as_policy(bounds: PolicyBounds) -> Policy:
    """Return the policy that asks for all that bounds allow; what they leave open is a default."""
    given = {
        each.name: value
        for each in fields(bounds)
        if (value := getattr(bounds, each.name)) not in (None, False, 0, "")
    }
    if bounds.may_invite is not None:
        given["may_invite"] = bounds.may_invite.most
    return replace(Policy(), **given)
