"""Tokens."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from .joining import Joined
from .values import Count, Described, Time, TokenId, Viewer


class TokenPolicy(TypedDict):
    """What a token allows.

    Attributes:
        mode: whether keys, pointer, clipboard, resizing and power reach the machine.
        sharing: what happens to other viewers of the machine.
        max_duration: longest session in seconds, from the first redemption; null for no limit.
        idle_timeout: seconds without a byte in either direction; null for no limit.
        client_networks: networks from which the user may connect; empty for any.
        allowed_origins: origins of pages that may open the console, besides those configured.
        record: whether the session is recorded.
        uses: how many times the token can be redeemed; 0 means any number.
        confirm: whether a browser's user presses a button first; null leaves it to the proxy.
        clipboard: in which direction texts of the clipboard may pass.
        clipboard_limit: the longest text that may pass, in bytes; null for the protocol's limit.
        exclusive_at_server: whether the console's server disconnects its other viewers.
        may_invite: the most that those may do whom the user invites; null for no invitations.
        banner: text that the user has to accept first; empty for none.
        approval: how many others have to approve of the session first.
        not_before: from when on a session may be open, in seconds since 1970; null for any time.
        not_after: until when; null for any time.
        hours: weekly windows in which a session may be open; empty for any time.
        bandwidth: bytes in a second to the viewer, at most; null for no limit.
        power: what the user may do to the machine's power.
    """

    mode: Annotated[str, Described(enum=["control", "view-only"])]
    sharing: Annotated[str, Described(enum=["shared", "exclusive", "take-over", "one-driver"])]
    max_duration: float | None
    idle_timeout: float | None
    client_networks: list[str]
    allowed_origins: list[str]
    record: bool
    uses: Count
    confirm: bool | None
    clipboard: Annotated[str, Described(enum=["none", "to-guest", "from-guest", "both"])]
    clipboard_limit: Count | None
    exclusive_at_server: bool
    may_invite: Annotated[str | None, Described(enum=["control", "view-only", None])]
    banner: str
    approval: Count
    not_before: float | None
    not_after: float | None
    hours: list[str]
    bandwidth: Count | None
    power: list[str]


class Token(TypedDict):
    """A token without its secret.

    Attributes:
        vm: the machine, ``<backend>/<id>``.
        user: as named in the audit log.
        type: for browsers, or for TCP viewers.
        expires_at: until when it can be redeemed.
        joins: the live session that it is bound to; others have no such member.
    """

    vm: str
    user: str
    type: Viewer
    issued_at: Time
    expires_at: Time
    policy: TokenPolicy
    joins: NotRequired[Joined]


class IssuedToken(Token):
    """A new token, the only answer with its secret.

    Attributes:
        id: by which it is shown and revoked; may be logged.
        token: the secret.
        url: what the user opens; it holds the secret.
        rfb_address: host and port where a native viewer connects, with the secret as its password;
            only for TCP viewers, where the proxy has such an address.
    """

    id: TokenId
    token: str
    url: str
    rfb_address: NotRequired[str]


class StoredToken(Token):
    """A token that can still be redeemed or resumed.

    Attributes:
        uses_left: null when unlimited.
    """

    id: TokenId
    uses_left: Count | None
