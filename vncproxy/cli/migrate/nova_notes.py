"""What nova.conf says that needs nothing in the configuration, or has no counterpart there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .nova_files import NovaFiles

_NO_EFFECT: Final = {
    ("DEFAULT", "daemon"): "etc/ holds a systemd unit; twistd without -n goes to the background",
    ("DEFAULT", "web"): "the proxy serves its own page; Nova's links to vnc_auto.html and"
    " vnc_lite.html work",
    ("DEFAULT", "source_is_ipv6"): "the address to listen on says it",
    ("vnc", "keymap"): "the hypervisors' layout stays as it is",
    ("vnc", "server_listen"): "it is for the compute hosts",
}
_NO_COUNTERPART: Final = {
    ("DEFAULT", "record"): "sessions are not recorded",
    ("console", "ssl_ciphers"): "the ciphers are OpenSSL's choice",
}
_TOLD_BY_NOVA: Final = "Nova's answer to each token tells it"
_OTHER_CONSOLES: Final = {
    "spice": "only VNC is shown",
    "serial_console": "only VNC is shown",
    "rdp": "only VNC is shown",
    "mks": "only VNC is shown; the backend vmware shows machines of a vCenter by WebMKS",
}
_OTHER_PARTS: Final = {
    "database": "the proxy needs no database of Nova",
    "api_database": "the proxy needs no database of Nova",
    "oslo_messaging_rabbit": "the proxy needs no message queue",
    "oslo_messaging_notifications": "the proxy needs no message queue",
}
_REST: Final = "not of the console proxies"


def notes(nova: NovaFiles) -> Iterator[str]:
    """Yield a comment for each option that does not stand in the configuration."""
    yield f"# From {', '.join(str(path) for path in nova.files)}."
    yield "# `vncproxy check-config` says whether it works."
    for (group, name), reason in _NO_EFFECT.items():
        if nova.has(group, name):
            yield f"# [{group}] {name} is not needed: {reason}."
    for (group, name), reason in _NO_COUNTERPART.items():
        if nova.has(group, name):
            yield f"# [{group}] {name} HAS NO COUNTERPART: {reason}."
    yield from _special(nova)


def others(nova: NovaFiles) -> Iterator[str]:
    """Yield a comment with the names of all further options of each group, without values."""
    for group, names in sorted(nova.others().items()):
        listed = f"# [{group}] {', '.join(names)}:"
        if group in _OTHER_CONSOLES:
            yield f"{listed} NO COUNTERPART, {_OTHER_CONSOLES[group]}."
        else:
            yield f"{listed} {_OTHER_PARTS.get(group, _REST)}."


def _special(nova: NovaFiles) -> Iterator[str]:
    if not nova.get("vnc", "enabled"):
        yield "# [vnc] enabled = false: NOVA MAKES NO LINKS TO CONSOLES as long as it is."
    if nova.has("vnc", "server_proxyclient_address"):
        yield f"# [vnc] server_proxyclient_address is for the compute hosts: {_TOLD_BY_NOVA}."
    version = nova.get("console", "ssl_minimum_version")
    if version not in ("default", "tlsv1_2"):
        yield f"# [console] ssl_minimum_version = {version} HAS NO COUNTERPART: it is TLS 1.2."
    if nova.get("consoleauth", "enforce_session_timeout"):
        yield "# [consoleauth] enforce_session_timeout HAS NO COUNTERPART for Nova's tokens, whose"
        yield "# end Nova's API does not tell; links of the proxy's own have max_duration."
