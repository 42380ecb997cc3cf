"""A command line of websockify as a configuration."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ...addresses import bracketed, is_own
from ...tokens.external.token_file import read
from ..failures import Misconfigured
from .toml import endpoint, escaped, toml
from .websockify_options import FLAGS, VALUES, parse

_NAME: Final = "websockify"
_QUOTED: Final = re.compile(r'"([^"]*)"|([^:"]*)')

_NO_EFFECT: Final = {
    "web": "the proxy serves its own page; links to vnc.html, vnc_auto.html and vnc_lite.html work",
    "file-only": "the proxy lists no directories",
    "daemon": "etc/ holds a systemd unit; twistd without -n goes to the background",
    "log-file": "twistd --logfile=FILE vncproxy …",
    "syslog": "twistd --syslog vncproxy …",
    "legacy-syslog": "twistd --syslog vncproxy …",
    "verbose": "the log has a line for each session",
    "traffic": "no bytes of consoles are logged",
    "libserver": "has no meaning here",
    "prefer-ipv6": "write the IPv6 address to listen on",
    "ssl-only": "what listens for TLS takes nothing else",
}
"""Options that need nothing in the configuration, each with the reason."""

_NO_COUNTERPART: Final = {
    "record": "sessions are not recorded",
    "run-once": "the proxy serves until it is stopped",
    "timeout": "the proxy serves until it is stopped",
    "idle-timeout": "the proxy serves until it is stopped; tokens may have an idle_timeout each",
    "inetd": "the proxy listens itself",
    "wrap-mode": "no command is run",
    "host-token": "a token is taken from the query or a cookie",
    "verify-client": "let a reverse proxy ask for client certificates",
    "cafile": "let a reverse proxy ask for client certificates",
    "key-password": "the key must be readable without one",
    "ssl-version": "the least version is TLS 1.2",
    "ssl-ciphers": "the ciphers are OpenSSL's choice",
    "web-auth": "let a reverse proxy ask for passwords",
}
"""Options that have no counterpart, each with what there is instead."""


def convert(arguments: Sequence[str]) -> str:
    """Return the configuration as TOML, with comments on options that it leaves out.

    Raises:
        Misconfigured: this is no command line of websockify.
    """
    options, unknown = parse(arguments)
    if not options.source and not options.unix_listen and not options.inetd:
        raise Misconfigured("websockify's command line names no port to listen on")
    blocks = [
        _notes(options, unknown),
        _public(options),
        _listen(options),
        _timeouts(options),
        _tokens(options),
        _target(options),
    ]
    return "\n\n".join("\n".join(lines) for block in blocks if (lines := list(block))) + "\n"


def _notes(options: Namespace, unknown: Sequence[str]) -> Iterator[str]:
    yield "# From a command line of websockify. `vncproxy check-config` says whether it works."
    for name in (*VALUES, *FLAGS):
        if getattr(options, name.replace("-", "_")):
            if name in _NO_EFFECT:
                yield f"# --{name} is not needed: {_NO_EFFECT[name]}."
            elif name in _NO_COUNTERPART:
                yield f"# --{name} HAS NO COUNTERPART: {_NO_COUNTERPART[name]}."
    if options.wrapped:
        yield "# The wrapped command HAS NO COUNTERPART: start it by itself."
    for word in unknown:
        yield f"# {json.dumps(word.partition('=')[0])} IS UNKNOWN, and left out."


def _public(options: Namespace) -> Iterator[str]:
    host, port = _address(options.source)
    scheme = "https" if options.cert else "http"
    yield "[public]"
    yield "# Where browsers reach it: put the name here that stands in your links."
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else bracketed(host)  # noqa: S104
    yield f"base_url = {toml(f'{scheme}://{shown}:{port or 6080}/')}"
    if not options.auth_plugin:
        return
    if _class(options.auth_plugin) == "ExpectOrigin":
        yield f"allowed_origins = {toml(options.auth_source.split())}"
    else:
        yield f"# --auth-plugin {_class(options.auth_plugin)} HAS NO COUNTERPART: let a reverse"
        yield "# proxy ask for passwords or client certificates."


def _listen(options: Namespace) -> Iterator[str]:
    yield "[listen]"
    yield f"web = {toml([_endpoint(options)])}"
    yield "# TCP viewers find the same port; websockify has none for them alone."
    yield "xvp = []"


def _endpoint(options: Namespace) -> str:
    if options.unix_listen:
        mode = options.unix_listen_mode.removeprefix("0o").lstrip("0") or "600"
        return f"unix:{escaped(options.unix_listen)}:mode={mode}"
    host, port = _address(options.source)
    key = options.key or options.cert
    return endpoint(host, port, options.cert, key)


def _timeouts(options: Namespace) -> Iterator[str]:
    if options.heartbeat:
        yield "[timeouts]"
        yield f"ping_interval = {float(_number(options.heartbeat, 'heartbeat'))}"


def _tokens(options: Namespace) -> Iterator[str]:
    plugin, source = _class(options.token_plugin), options.token_source
    if options.target_config:
        plugin, source = "TokenFile", options.target_config
    if not plugin:
        return
    match plugin:
        case "TokenFile" | "ReadOnlyTokenFile":
            yield from _source_table("websockify-file", options)
            yield f"path = {toml(_absolute(source))}"
            yield from _addresses(_own_hosts(Path(_absolute(source))))
            yield "# Tokens that are shorter can be guessed; lower it if yours are."
            yield "#shortest_token = 16"
        case "TokenRedis":
            yield from _source_table("websockify-redis", options)
            yield from _redis(source)
            yield from _addresses([])
            yield "# Tokens that are shorter can be guessed; lower it if yours are."
            yield "#shortest_token = 16"
        case "JWTTokenApi":
            yield from _source_table("jwt", options)
            yield "# A public key, or a secret in base64url; encrypted tokens (JWE) are not read."
            yield f"key_file = {toml(_absolute(source))}"
            yield "# Tokens that never end are refused, unless this is false."
            yield "#require_exp = true"
            yield from _addresses([])
        case _:
            yield f"# --token-plugin {plugin} HAS NO COUNTERPART: docs/token-sources.md has those"
            yield "# that there are; a portal can also ask the proxy's API for tokens."


def _addresses(hosts: Sequence[str]) -> Iterator[str]:
    yield "# This machine itself is dialled only by names that stand here; with them, tokens open"
    yield "# any port of it."
    pairs = ", ".join(f'{toml(host)} = "127.0.0.1"' for host in hosts or ["127.0.0.1"])
    yield f"{'' if hosts else '#'}addresses = {{ {pairs} }}"


def _own_hosts(path: Path) -> list[str]:
    """Return the names by which existing token files refer to this machine itself."""
    try:
        files = read(path, {}, 1).values()
    except OSError:
        return []
    hosts = (target.host for file in files for target in file.targets.values())
    return sorted({host for host in hosts if host and is_own(host)})


def _source_table(kind: str, options: Namespace) -> Iterator[str]:
    yield f"[token_sources.{_NAME}]"
    yield f"type = {toml(kind)}"
    if options.ssl_target:
        yield 'transport = "tls"'


def _redis(source: str) -> Iterator[str]:
    parts = [first or second for first, second in _split(source)]
    if len(parts) > 5:
        raise Misconfigured("--token-source of TokenRedis has more than five parts")
    host, port, db, password, namespace = [*parts, "", "", "", "", ""][:5]
    yield f"host = {toml(host or '127.0.0.1')}"
    yield f"port = {int(_number(port or '6379', 'token-source'))}"
    yield f"db = {int(_number(db or '0', 'token-source'))}"
    if password:
        yield '# Better in a file of its own: password = { file = "/etc/vncproxy/redis.pw" }'
        yield f"password = {toml(password)}"
    if namespace:
        yield f"namespace = {toml(namespace)}"


def _split(source: str) -> Iterator[tuple[str, str]]:
    """Split at colons outside of double quotes, as websockify does."""
    at = 0
    while True:
        part = _QUOTED.match(source, at)
        assert part is not None  # the second alternative matches nothing, too
        yield part[1] or "", part[2] or ""
        if part.end() >= len(source):
            return
        if source[part.end()] != ":":
            raise Misconfigured("--token-source of TokenRedis has a quote in the wrong place")
        at = part.end() + 1


def _target(options: Namespace) -> Iterator[str]:
    address = ""
    if options.unix_target:
        address = f"unix:{_absolute(options.unix_target)}"
    elif options.target:
        host, port = _address(options.target)
        scheme = "tls://" if options.ssl_target else ""
        address = f"{scheme}{bracketed(host or '127.0.0.1')}:{port}"
    if address:
        yield f"# Links are made by: vncproxy token issue {_NAME}-target/console"
        yield f"[backends.{_NAME}-target]"
        yield 'type = "static"'
        yield f"[backends.{_NAME}-target.consoles]"
        yield f"console = {{ address = {toml(address)} }}"


def _address(text: str) -> tuple[str, int]:
    """Split ``[host:]port``; an IPv6 address may stand in brackets."""
    if not text:
        return "", 0
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(_number(port, "port"))


def _number(text: str, what: str) -> str:
    if not text.isascii() or not text.isdigit():
        raise Misconfigured(f"{what} is not a number")
    return text


def _class(name: str) -> str:
    return name.rpartition(".")[2]


def _absolute(path: str) -> str:
    if not path:
        raise Misconfigured("--token-plugin needs --token-source")
    return str(Path(path).absolute())
