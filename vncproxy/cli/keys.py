"""``vncproxy key create``, ``list`` and ``revoke``: keys in the store, through the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .connection import api_command, json_option, print_json
from .layout import table
from .local import SCOPES, key
from .policy_options import parse_policy

if TYPE_CHECKING:
    from ..answers import Key
    from ..client import Client

_COLUMNS = ("ID", "NAME", "SCOPES", "MACHINES", "EXPIRES", "LAST USED", "SOURCE")
_SHOWN = 12


@key.command(
    epilog="""\b
Examples:
  vncproxy key create tenant-a --scope issue --vm 'kvm/web-*' --days 30
  vncproxy key create helpdesk --scope issue --policy max_duration=3600
""",
)
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES))
@click.option("--backend", "backends", multiple=True, metavar="NAME", help="Repeatable.")
@click.option(
    "--vm", "vms", multiple=True, metavar="PATTERN", help="Machines, as kvm/web-*; repeatable."
)
@click.option("--match-names", is_flag=True, help="Match patterns with names as well.")
@click.option("--policy", multiple=True, metavar="KEY=VALUE", help="The most of its links.")
@click.option("--requests-per-minute", type=int)
@click.option("--days", type=float, help="How long it lives; the proxy has a default.")
@json_option
@api_command
def create(
    api: Client,
    name: str,
    days: float | None,
    policy: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Create a key called NAME in the proxies' store, and print its secret.

    It may do no more than the key that this command uses, which needs the scope `keys`; what is
    left out is what that one may do, but for --match-names. Two keys may have the same name.
    """
    bounds = parse_policy(policy, None) if policy else None
    life = None if days is None else days * 86400
    rights = {option: value for option, value in given.items() if value}
    created = api.create_key(name, policy=bounds, expires_in=life, **rights)
    if as_json:
        print_json(created)
    else:
        click.echo(f"key: {created['key']}\nid:  {created['id']}\nends {created['expires_at']}")


@key.command("list")
@json_option
@api_command
def list_keys(api: Client, as_json: bool) -> None:
    """List the keys that may do no more than the one that this command uses."""
    answer = api.list_keys()
    if as_json:
        print_json(answer)
    else:
        click.echo(table(_COLUMNS, [_row(each) for each in answer["keys"]]))


@key.command()
@click.argument("key_id", metavar="ID")
@json_option
@api_command
def revoke(api: Client, key_id: str, as_json: bool) -> None:
    """Revoke the key with this ID, as `key list` shows it; its beginning is enough.

    All proxies refuse it within a second. Keys of the configuration are taken out there.
    """
    answer = api.revoke_key(_whole(api, key_id))
    if as_json:
        print_json(answer)
    else:
        click.echo("revoked")


def _whole(api: Client, key_id: str) -> str:
    """Return the whole id of a key that is named by its beginning."""
    if len(key_id) != _SHOWN:
        return key_id
    known = [each["id"] for each in api.list_keys()["keys"]]
    found = [each for each in known if each.startswith(key_id)]
    return str(found[0]) if len(found) == 1 else key_id


def _row(key_: Key) -> list[str]:
    machines = [*key_["backends"], *key_["vms"]]
    limits = dict.fromkeys(each for each in machines if each != "*")
    return [
        key_["id"][:_SHOWN],
        key_["name"],
        ",".join(key_["scopes"]),
        ",".join(limits) or "all",
        key_["expires_at"] or "never",
        key_["last_used_at"] or "-",
        key_["source"],
    ]
