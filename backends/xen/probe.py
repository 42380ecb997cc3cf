"""Checks a pool for ``check-config``: hosts that cannot be reached or verified.

Everything here blocks; it is called in a thread, through `Pool`.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ...addresses import bracketed, meaning
from ..probed import Probed
from ..reachability import DIAL_TIME, MOST, Address, out_of_reach
from .console import HTTPS_PORT
from .errors import explain
from .login import Login, trust_context
from .machines import machines
from .settings import XenSettings
from .states import RUNNING, state_text

_SHARE = 0.5
"""The share of the remaining time for dialling, so that some is left for TLS."""


def probe(login: Login, settings: XenSettings) -> Probed:
    """Return a line about the pool, and the hosts out of reach."""
    hosts: dict[str, Any] = login.xenapi.host.get_all_records()
    (pool,) = login.xenapi.pool.get_all_records().values()
    master = hosts[pool["master"]]
    states = [state_text(each["power_state"]) for each in machines(login)]
    line = (
        f"{_product(master)} at {login.url}, pool {pool['name_label'] or 'without a name'!r} of "
        f"{len(hosts)} with master {master['name_label']}, "
        f"{states.count(RUNNING)} of {len(states)} machines running"
    )
    return Probed(line, tuple(_out_of_reach(login, hosts, settings)))


def _product(host: dict[str, Any]) -> str:
    software = host["software_version"]
    return f"{software.get('product_brand', 'XAPI')} {software.get('product_version', '')}".strip()


def _out_of_reach(login: Login, hosts: dict[str, Any], settings: XenSettings) -> Iterator[str]:
    # all members listen on the same port
    secure = urlsplit(login.url).port or HTTPS_PORT
    port = settings.plain_port if settings.plain_console else secure
    enabled = sorted(
        (each for each in hosts.values() if each["enabled"]),
        key=lambda each: str(each["name_label"]),
    )
    refused = [each for each in enabled if settings.is_refused(each["address"])]
    for host in refused:
        yield (
            f"consoles of {host['name_label']} at {host['address']} cannot be reached: that is "
            f"{meaning(host['address'])}; write in addresses where the host is"
        )
    known = [each for each in enabled if each not in refused]
    places = {(settings.dialled(each["address"]), port): each for each in known[:MOST]}
    written = {place[0] for place, host in places.items() if settings.is_written(host["address"])}
    silent = out_of_reach(places, min(DIAL_TIME, login.transport.left() * _SHARE), written)
    for place, host in places.items():
        if why := silent.get(place) or _distrusted(login, place, settings):
            yield (
                f"consoles of {host['name_label']} at {host['address']}:{port} cannot be "
                f"reached: {why}"
            )


def _distrusted(login: Login, place: Address, settings: XenSettings) -> str:
    """Return why a host that can be dialled is not verified; empty when it is."""
    if settings.plain_console:
        return ""
    host, port = place
    try:
        with socket.create_connection(place, min(DIAL_TIME, login.transport.left())) as connection:
            context = trust_context(settings)
            context.wrap_socket(connection, server_hostname=host).close()
    except OSError as e:
        return explain(e, settings, f"https://{bracketed(host)}:{port}")
    return ""
