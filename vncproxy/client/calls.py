"""Each request of the API as a value: `Client` sends it, and returns the JSON of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from .. import answers
from .call import Call, given, part


class GivenPolicy(TypedDict, total=False):
    """What a token allows, as far as its issuer says; docs/api.md has the defaults."""

    mode: str
    sharing: str
    max_duration: float | None
    idle_timeout: float | None
    client_networks: list[str]
    allowed_origins: list[str]
    record: bool
    uses: int
    confirm: bool | None
    clipboard: str
    clipboard_limit: int | None
    exclusive_at_server: bool
    may_invite: str | None
    banner: str
    approval: int
    not_before: float | None
    not_after: float | None
    hours: list[str]
    bandwidth: int | None
    power: list[str]


def issue_token(
    vm: str,
    user: str,
    *,
    type: Literal["novnc", "xvpvnc"] = "novnc",  # noqa: A002
    ttl: float | None = None,
    policy: GivenPolicy | None = None,
    check: bool = False,
    idempotency_key: str | None = None,
) -> Call[answers.IssuedToken]:
    """Issue a token for a machine, ``<backend>/<id>``; its ``url`` opens the console.

    Args:
        user: as named in the audit log.
        type: for browsers, or for TCP viewers.
        ttl: seconds for which it can be redeemed.
        check: whether the machine must exist.
        idempotency_key: of this request, however often it is sent.
    """
    body: dict[str, object] = {"vm": vm, "user": user, "type": type}
    more = {"ttl": ttl, "policy": policy or None, "check": check or None}
    body |= {name: value for name, value in more.items() if value is not None}
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    return Call("POST", "/v1/tokens", body=body, headers=headers)


def show_token(token_id: str) -> Call[answers.StoredToken]:
    """Show a token that can still be redeemed or resumed."""
    return Call("GET", f"/v1/tokens/{part(token_id)}")


def revoke_token(token_id: str) -> Call[answers.Revocation]:
    """Revoke a token and end its sessions."""
    return Call("DELETE", f"/v1/tokens/{part(token_id)}")


def revoke_tokens(
    *,
    vm: str | None = None,
    user: str | None = None,
    jti: str | None = None,
    signer: str | None = None,
) -> Call[answers.Revocation]:
    """Revoke all tokens of a machine or of a user, or signed links, and end their sessions.

    Args:
        jti: of one signed link, ``<token source>/<jti>``.
        signer: the token source of all signed links.
    """
    return Call("DELETE", "/v1/tokens", given(vm=vm, user=user, jti=jti, signer=signer))


def create_key(
    name: str,
    scopes: Sequence[str],
    *,
    backends: Sequence[str] | None = None,
    vms: Sequence[str] | None = None,
    match_names: bool | None = None,
    policy: Mapping[str, object] | None = None,
    requests_per_minute: int | None = None,
    expires_in: float | None = None,
) -> Call[answers.CreatedKey]:
    """Create a key that may do no more than the one that asks; its ``key`` is shown once.

    Args:
        vms: patterns for machines, as ``kvm/web-*``.
        policy: the most that its links may do.
        expires_in: seconds that it lives.
    """
    more: dict[str, object] = {
        "backends": None if backends is None else list(backends),
        "vms": None if vms is None else list(vms),
        "match_names": match_names,
        "policy": policy,
        "requests_per_minute": requests_per_minute,
        "expires_in": expires_in,
    }
    body: dict[str, object] = {"name": name, "scopes": list(scopes)}
    body |= {name: value for name, value in more.items() if value is not None}
    return Call("POST", "/v1/keys", body=body)


def list_keys() -> Call[answers.KeyList]:
    """List the keys that may do no more than the one that asks."""
    return Call("GET", "/v1/keys")


def revoke_key(key_id: str) -> Call[answers.RevokedKey]:
    """Revoke a key that was created by the API."""
    return Call("DELETE", f"/v1/keys/{part(key_id)}")


def list_machines() -> Call[answers.MachineList]:
    """List the machines of all backends."""
    return Call("GET", "/v1/vms")


def power(
    vm: str,
    action: Literal["start", "shutdown", "reboot", "reset", "off"],
    *,
    idempotency_key: str | None = None,
) -> Call[answers.Powered]:
    """Start, stop or reset a machine.

    Args:
        action: ``shutdown`` and ``reboot`` ask its guest; what is not saved is lost by ``reset``
            and ``off``.
        idempotency_key: of this request, however often it is sent.
    """
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    return Call("POST", "/v1/power", body={"vm": vm, "action": action}, headers=headers)


def list_sessions(
    *,
    vm: str | None = None,
    user: str | None = None,
    client: str | None = None,
    token: str | None = None,
    proxy: str | None = None,
    from_zone: str | None = None,
    to_zone: str | None = None,
    state: str | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> Call[answers.SessionList]:
    """List live sessions, oldest first: all, or those that match every argument.

    Args:
        client: the address of their user.
        token: the id of a token.
        proxy: the name or id of a proxy.
        from_zone: the zone whose users they are of.
        to_zone: the zone whose consoles they show.
        state: ``opening``, ``waiting`` or ``open``.
        limit: a page of so many.
        after: the ``next`` of the page before.
    """
    query = given(vm=vm, user=user, token=token, proxy=proxy, limit=limit, after=after)
    query |= given(from_zone=from_zone, to_zone=to_zone, state=state, client=client)
    return Call("GET", "/v1/sessions", query)


def show_session(session_id: str) -> Call[answers.Session]:
    """Show a live session."""
    return Call("GET", f"/v1/sessions/{part(session_id)}")


def shadow_session(
    session_id: str,
    user: str,
    *,
    mode: Literal["view-only", "control"] = "view-only",
    announce: bool | None = None,
    type: Literal["novnc", "xvpvnc"] = "novnc",  # noqa: A002
    ttl: float | None = None,
) -> Call[answers.IssuedToken]:
    """Make a link by which an administrator looks at a live session, and that ends with it.

    Args:
        user: who looks, as named in the audit log and to the users at the machine.
        announce: whether those users see it; None leaves it to the proxy.
    """
    more = {"announce": announce, "ttl": ttl}
    body: dict[str, object] = {"user": user, "mode": mode, "type": type}
    body |= {name: value for name, value in more.items() if value is not None}
    return Call("POST", f"/v1/sessions/{part(session_id)}/shadow", body=body)


def invite_to_session(
    session_id: str,
    user: str,
    *,
    mode: Literal["view-only", "control"] = "view-only",
    type: Literal["novnc", "xvpvnc"] = "novnc",  # noqa: A002
    ttl: float | None = None,
) -> Call[answers.IssuedToken]:
    """Make a link for a guest of a live session's user, which ends with the session.

    Args:
        user: a name for the guest.
    """
    body: dict[str, object] = {"user": user, "mode": mode, "type": type}
    body |= {} if ttl is None else {"ttl": ttl}
    return Call("POST", f"/v1/sessions/{part(session_id)}/invite", body=body)


def change_session(session_id: str, mode: str) -> Call[answers.ChangedSession]:
    """Let the user of a live session control the machine, ``control``, or only view it."""
    return Call("PATCH", f"/v1/sessions/{part(session_id)}", body={"mode": mode})


def message_session(session_id: str, text: str) -> Call[answers.MessagedSession]:
    """Show a message to the user of a live session, whose page shows it."""
    return Call("POST", f"/v1/sessions/{part(session_id)}/message", body={"text": text})


def drive_session(session_id: str) -> Call[answers.Driving]:
    """Give a live session the control of its machine, where one has it at a time."""
    return Call("POST", f"/v1/sessions/{part(session_id)}/drive")


def end_session(session_id: str, *, revoke: bool = False) -> Call[answers.EndedSessions]:
    """End a session, and revoke its token if asked to."""
    query = {"revoke": "true"} if revoke else {}
    return Call("DELETE", f"/v1/sessions/{part(session_id)}", query)


def end_sessions(
    *,
    vm: str | None = None,
    user: str | None = None,
    token: str | None = None,
    proxy: str | None = None,
) -> Call[answers.EndedSessions]:
    """End the sessions that match every argument; one at least is needed."""
    return Call("DELETE", "/v1/sessions", given(vm=vm, user=user, token=token, proxy=proxy))


def list_approvals() -> Call[answers.WaitingList]:
    """List the sessions that wait for approval, oldest first."""
    return Call("GET", "/v1/approvals")


def approve_session(session_id: str, *, by: str | None = None) -> Call[answers.SessionApproval]:
    """Approve of a session that waits.

    Args:
        by: the person behind the key.
    """
    return Call("POST", f"/v1/sessions/{part(session_id)}/approve", body={"by": by})


def withdraw_approval(session_id: str, *, by: str | None = None) -> Call[answers.SessionApproval]:
    """Withdraw an approval; a session that is open ends, and its token is revoked."""
    return Call("DELETE", f"/v1/sessions/{part(session_id)}/approve", given(by=by))


def deny_session(
    session_id: str, *, reason: str = "", by: str | None = None
) -> Call[answers.SessionApproval]:
    """Let a session that waits not begin; its user is shown the reason."""
    body = {"by": by, "reason": reason}
    return Call("POST", f"/v1/sessions/{part(session_id)}/deny", body=body)


def show_self() -> Call[answers.Self]:
    """Show what the key of the client may do."""
    return Call("GET", "/v1/self")


def list_proxies() -> Call[answers.ProxyList]:
    """List the proxies that share their tokens, and how they differ."""
    return Call("GET", "/v1/proxies")


def drain_proxy(proxy: str) -> Call[answers.Draining]:
    """Let a proxy, by its name or id, take no new sessions."""
    return Call("POST", f"/v1/proxies/{part(proxy)}/drain")
