"""``vncproxy token``: issue, show and revoke tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from ..errors import BackendError, VMNotFound
from ..model import ConsoleType
from .connection import api_command, json_option, print_json
from .failures import Refused
from .layout import facts
from .policy_options import KEYS, parse_policy
from .unconfirmed import warn_unconfirmed

if TYPE_CHECKING:
    from ..answers import IssuedToken, Revocation, StoredToken
    from ..client import Client

_EMPTY = {
    "client_networks": "any",
    "allowed_origins": "the proxy's own",
    "confirm": "as configured",
    "may_invite": "no guests",
    "banner": "none",
    "not_before": "any time",
    "not_after": "any time",
    "hours": "any time",
    "power": "none",
}
"""What an empty list or an absent value of a policy means."""


@click.group()
def token() -> None:
    """Issue, show and revoke tokens: links that open a console."""


@token.command(
    epilog=f"""\b
Examples:
  vncproxy token issue kvm/web-01 --user alice
  vncproxy token issue kvm/web-01 --user alice --ttl 60 --policy uses=0
  vncproxy token issue kvm/web-01 --user carol --view-only --policy clipboard=none
  vncproxy token issue kvm/web-01 --user dan --policy sharing=exclusive
  vncproxy token issue kvm/web-01 --user bob --type xvpvnc \\
      --policy max_duration=3600 --policy client_networks=10.0.0.0/8,fd00::/8
  vncproxy token issue kvm/web-01 --user dave \\
      --policy 'hours=mon-fri 08:00-18:00 Europe/Berlin; sat,sun 10:00-14:00 Europe/Berlin'
  vncproxy token issue kvm/web-01 --user erin --policy not_after=2026-12-01T12:00:00Z
  vncproxy token issue kvm/web-01 --user bob --policy-json '{{"idle_timeout": 600}}'

\b
Keys of a policy:
  {", ".join(KEYS[:5])},
  {", ".join(KEYS[5:])}
max_duration and idle_timeout are in seconds, clipboard_limit is in bytes, bandwidth in bytes a
second, and 0 uses are any number. A semicolon separates windows of hours.
mode is control or view-only; clipboard is none, to-guest, from-guest or both. power is a list of
start, shutdown, reboot, reset and off, such as power=start,reset.
""",
)
@click.argument("vm")
@click.option("--user", required=True, help="The user, as named in the audit log.")
@click.option(
    "--type",
    "viewer",
    type=click.Choice([kind.value for kind in ConsoleType]),
    default=ConsoleType.NOVNC.value,
    show_default=True,
    help="A browser, or a TCP viewer.",
)
@click.option("--ttl", type=float, help="Seconds until it expires; the proxy has a default.")
@click.option("--view-only", is_flag=True, help="The user may see the machine, and not control it.")
@click.option("--policy", multiple=True, metavar="KEY=VALUE", help="One member; repeatable.")
@click.option("--policy-json", metavar="OBJECT", help="The whole policy as a JSON object.")
@click.option("--force", is_flag=True, help="Do not ask the backend whether the machine exists.")
@json_option
@api_command
def issue(
    api: Client,
    vm: str,
    user: str,
    viewer: str,
    ttl: float | None,
    view_only: bool,
    policy: tuple[str, ...],
    policy_json: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Issue a token for the machine VM (BACKEND/ID) and print its access URL.

    The machine must exist, and need not run. The token's secret is shown in this URL only. For TCP
    viewers, standard error has the command line of a native viewer, where rfb_address is set.
    """
    pairs = (*policy, "mode=view-only") if view_only else policy
    issued = _issued(
        api,
        vm,
        user,
        type=viewer,
        ttl=ttl,
        policy=parse_policy(pairs, policy_json),
        check=not force,
    )
    if as_json:
        print_json(issued)
    else:
        click.echo(issued["url"])
        if address := issued.get("rfb_address"):
            # beside the URL, which scripts read
            click.echo(_viewer_hint(address), err=True)


def _viewer_hint(address: str) -> str:
    """Return the command line of a native viewer; the token is not repeated there."""
    host, _, port = address.rpartition(":")
    return f"or: vncviewer {host}::{port}   (any user name; the link or its token as the password)"


def _issued(api: Client, vm: str, user: str, **wanted: Any) -> IssuedToken:
    from .. import client

    try:
        return api.issue_token(vm, user, **wanted)
    except client.Refused as e:
        if e.code in (VMNotFound.code, BackendError.code):
            text = f"{str(e).rstrip('.')}; --force issues a token all the same"
            raise Refused(text) from e
        raise


@token.command()
@click.argument("token_id", metavar="ID")
@json_option
@api_command
def show(api: Client, token_id: str, as_json: bool) -> None:
    """Show the token with this ID: the SHA-256 of its secret, as `issue --json` prints it."""
    status = api.show_token(token_id)
    if as_json:
        print_json(status)
    else:
        click.echo(facts(_facts(status)))


@token.command(
    epilog="""\b
Examples:
  vncproxy token revoke 5f2b...    (64 hexadecimal digits)
  vncproxy token revoke --vm kvm/web-01
  vncproxy token revoke --user alice
  vncproxy token revoke --jti portal/7c9e6679
  vncproxy token revoke --signer portal
""",
)
@click.argument("token_id", metavar="[ID]", required=False)
@click.option("--vm", metavar="BACKEND/ID", help="All tokens of this machine.")
@click.option("--user", help="All tokens of this user.")
@click.option("--jti", metavar="SOURCE/JTI", help="A signed link, used or not.")
@click.option("--signer", metavar="SOURCE", help="All signed links of a token source, for good.")
@json_option
@api_command
def revoke(api: Client, token_id: str | None, as_json: bool, **chosen: str | None) -> None:
    """Revoke a token, all of a machine or a user, or signed links, and end their sessions."""
    answer = _revoked(api, token_id, chosen)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"revoked tokens: {answer['revoked']}, ended sessions: {answer['ended']}")
        warn_unconfirmed(answer)


def _revoked(api: Client, token_id: str | None, chosen: dict[str, str | None]) -> Revocation:
    if sum(given is not None for given in (token_id, *chosen.values())) != 1:
        raise click.UsageError("give one of ID, --vm, --user, --jti and --signer")
    if token_id is not None:
        return api.revoke_token(token_id)
    return api.revoke_tokens(**chosen)


def _facts(status: StoredToken) -> dict[str, str]:
    names = ("id", "vm", "user", "type", "issued_at", "expires_at", "uses_left")
    values = cast("dict[str, object]", status)
    shown = {name.replace("_", " "): _text(values[name]) for name in names}
    policy = {
        f"policy {name}": _EMPTY[name]
        if name in _EMPTY and value in ([], None, "")
        else _text(value)
        for name, value in status["policy"].items()
    }
    return {**shown, **policy}


def _text(value: object) -> str:
    match value:
        case None:
            return "no limit"
        case True | False:
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
    return str(value)
