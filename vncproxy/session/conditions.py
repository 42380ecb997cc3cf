"""The conditions under which a policy lets a user in."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from ..errors import ConfirmationNeeded, Forbidden, TokenUsed
from ..model import ConsoleType, Policy, Token, UnixTime
from ..origins import check_origin
from .ends import outside
from .user_request import UserRequest


def check_policy(policy: Policy, request: UserRequest, now: UnixTime) -> None:
    """Raise why a policy does not let a user in, from here or now.

    Raises:
        Forbidden: from this page or this address.
        OutsideHours: at this time; there will be another one.
        TimeLimit: at any time from now on.
    """
    check_time(policy, now)
    check_origin(request.untrusted_origin, policy.allowed_origins)
    client, networks = request.client, policy.client_networks
    if networks and not any(ip_address(client) in network for network in networks):
        raise Forbidden(f"client {client} is in no allowed network")


def check_time(policy: Policy, now: UnixTime) -> None:
    """Raise where a session may not be open now.

    Raises:
        OutsideHours: there will be another time.
        TimeLimit: there will be none.
    """
    allowed = policy.open_times
    if allowed is not None and not allowed.is_open(now):
        raise outside(allowed, now)


def without_own(policy: Policy) -> Policy:
    """Return what another zone has to enforce: what is left out is enforced in this one."""
    kept = replace(policy, record=False, may_invite=None, bandwidth=None)
    kept = replace(kept, banner="", approval=0)
    return replace(kept, not_before=None, not_after=None, hours=())


def check_confirmed(token: Token | None, request: UserRequest, wanted: bool) -> None:
    """Raise when the user has to press a button first.

    The holder of a link learns the machine's id, as the token has it.

    Args:
        wanted: whether links ask unless their policy says otherwise.
    """
    by_policy = token.policy.confirm if token else None
    if (wanted if by_policy is None else by_policy) and not request.confirmed:
        raise ConfirmationNeeded(token.vm.vm if token else "")


def explain_used(error: TokenUsed, request: UserRequest) -> TokenUsed:
    """Return the same error; of a browser without a cookie, it says so."""
    if request.type is not ConsoleType.NOVNC or request.resume is not None:
        return error
    detail = f"{error.detail}; the browser sent no cookie of it, or keeps none"
    used = TokenUsed(detail)
    return used.about(error.vm, error.user) if error.vm else used
