#!/usr/bin/env python3
"""Prints a link to the console of an OpenNebula machine, for a user who may USE the machine.

    ONE_AUTH=~/.one/one_auth VNCPROXY_API_KEY=... ./opennebula_console.py one-42

Machines have Sunstone's names, ``one-<number>``. Needs pyone. A portal calls `console_link` with
the session of its user: "user:password", "user:token", or "serveradmin:user:token" where it has
OpenNebula's server credentials.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import pyone

from vncproxy.client import ApiError, Client


class Refused(Exception):
    """The user may not see the machine, or the proxy issues no link; with the reason."""


def console_link(
    name: str, session: str, oned: str, proxy: str, key: str, backend: str = "one", zone: str = ""
) -> str:
    """Return the link to a machine's console.

    Args:
        name: ``one-<number>``.
        session: of the user, not of the portal.
        oned: URL of the XML-RPC of the machine's zone.
        proxy: URL of the proxy's API.
        key: an API key with the scope ``issue``, for this backend alone.
        backend: NAME of the proxy's ``[backends.NAME]`` of type ``opennebula``.
        zone: of the machine, where it is another one than the backend's.

    Raises:
        Refused: the machine or the link is.
    """
    number = machine_number(name)
    user = user_of_machine(number, session, oned)
    vm = "/".join(filter(None, (backend, zone, str(number))))
    return issue(vm, user, proxy, key)


def machine_number(name: str) -> int:
    """Return the number in ``one-<number>``."""
    found = re.fullmatch(r"one-([0-9]{1,9})", name)
    if not found:
        raise Refused(f"{name!r} is no name of a machine, such as one-42")
    return int(found[1])


def user_of_machine(number: int, session: str, oned: str) -> str:
    """Return the name of the session's user, if this user may USE a machine."""
    server = pyone.OneServer(oned, session, protocol="xmlrpc")
    try:
        # a list of machines would not do: it also has those that the user may only see
        server.vm.info(number)
        user = server.user.info(-1)
    except pyone.OneException as e:
        raise Refused(f"OpenNebula: {e}") from None
    return str(user.NAME)


def issue(vm: str, user: str, proxy: str, key: str) -> str:
    """Ask the proxy for a link that is good once."""
    try:
        with Client(proxy, key) as console:
            return console.issue_token(vm, user)["url"]
    except ApiError as e:
        raise Refused(f"the proxy: {e}") from None


def main() -> int:
    """Print the link, or why there is none; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("machine", help="one-<number>")
    parser.add_argument("--zone", default="", help="of the machine, by its id or name")
    parser.add_argument("--backend", default="one", help="NAME of the proxy's [backends.NAME]")
    words = parser.parse_args()
    auth = Path(os.environ.get("ONE_AUTH", "~/.one/one_auth")).expanduser()
    oned = os.environ.get("ONE_XMLRPC", "http://localhost:2633/RPC2")
    proxy = os.environ.get("VNCPROXY_API", "http://localhost:6082")
    key = os.environ.get("VNCPROXY_API_KEY", "")
    try:
        session = auth.read_text().strip()
        link = console_link(words.machine, session, oned, proxy, key, words.backend, words.zone)
    except (Refused, OSError) as e:
        print(e, file=sys.stderr)
        return 1
    print(link)
    return 0


if __name__ == "__main__":
    sys.exit(main())
