"""Which parts of a policy this proxy enforces: the others are refused, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import PolicyUnsupported
from ..model import Mode, Policy, Sharing
from ..urls import check_origin
from .reply import Refusal

NOT_ENFORCED: Mapping[str, frozenset[object]] = {
    "mode": frozenset({Mode.VIEW_ONLY}),
    "sharing": frozenset({Sharing.EXCLUSIVE, Sharing.TAKE_OVER}),
    "record": frozenset({True}),
}
"""The values of a policy's fields that must be refused; what is not in here is enforced."""


def check_policy(policy: Policy) -> Policy:
    """Return a policy that is enforced in full, with its origins in the form browsers send.

    Raises:
        Refusal: 422, naming the field that is not enforced, or an origin that is none.
    """
    for name, values in NOT_ENFORCED.items():
        if (value := getattr(policy, name)) in values:
            word = str(getattr(value, "value", value)).lower()
            raise Refusal(
                PolicyUnsupported.status,
                PolicyUnsupported.code,
                f"{name}: {word} is not enforced by this proxy, so it is refused",
                field=f"policy.{name}",
            )
    origins = tuple(_origin(text, n) for n, text in enumerate(policy.allowed_origins))
    return replace(policy, allowed_origins=origins)


def _origin(text: str, number: int) -> str:
    try:
        return check_origin(text)
    except ValueError as e:
        field = f"policy.allowed_origins.{number}"
        raise Refusal(422, "invalid-field", str(e), field=field) from e
