"""Keys for requests to other zones, with the lines for both configuration files."""

from __future__ import annotations

import click

from ..config.setting_types import check_name
from .connection import print_json

_TEXT = """\
# /etc/vncproxy/{zone}.key, in this zone alone:
{private}

# in the configuration of this zone, beside its api and console:
[zones.{zone}]
key = {{ file = "/etc/vncproxy/{zone}.key" }}

# in the configuration of {zone}, where THIS is the proxy.zone of this zone:
[zones.THIS.accept]
keys = ["{public}"]
backends = ["*"]"""


def print_zone_key(zone: str, as_json: bool) -> None:
    """Make a key and print it; it is stored nowhere.

    Args:
        zone: the zone that is to be asked.
        as_json: prints JSON for programs.
    """
    from ..zones.keys import PrivateKey

    try:
        check_name(zone)
    except ValueError:
        raise click.BadParameter("letters, digits, '_', '.' and '-'", param_hint="--zone") from None
    key = PrivateKey.new()
    private, public = key.secret_text(), str(key.public)
    if as_json:
        print_json({"zone": zone, "id": key.id, "private": private, "public": public})
    else:
        click.echo(_TEXT.format(zone=zone, private=private, public=public))
