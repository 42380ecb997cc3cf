"""websockify's command line, read as websockify reads it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Final, NoReturn

from ..failures import Misconfigured

VALUES: Final = (
    "auth-plugin",
    "auth-source",
    "cafile",
    "cert",
    "heartbeat",
    "idle-timeout",
    "key",
    "key-password",
    "log-file",
    "record",
    "ssl-ciphers",
    "ssl-version",
    "syslog",
    "target-config",
    "timeout",
    "token-plugin",
    "token-source",
    "unix-listen",
    "unix-listen-mode",
    "unix-target",
    "web",
    "wrap-mode",
)
"""Options with a value."""

FLAGS: Final = (
    "daemon",
    "file-only",
    "host-token",
    "inetd",
    "legacy-syslog",
    "libserver",
    "prefer-ipv6",
    "run-once",
    "ssl-only",
    "ssl-target",
    "traffic",
    "verbose",
    "verify-client",
    "web-auth",
)
"""Options without."""

_SHORT: Final = {"daemon": "-D", "prefer-ipv6": "-6", "verbose": "-v"}


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Misconfigured(f"this is no command line of websockify: {message}")


def parse(arguments: Sequence[str]) -> tuple[Namespace, list[str]]:
    """Return the options, with ``source``, ``target`` and ``wrapped``, and the unknown ones.

    Args:
        arguments: the command line, with or without the program's name.

    Raises:
        Misconfigured: it is not one of websockify.
    """
    arguments = list(arguments)
    if arguments and arguments[0].rpartition("/")[2] in ("websockify", "websockify.py", "run"):
        del arguments[0]
    wrapped: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, wrapped = arguments[:at], arguments[at + 1 :]
    parser = _Parser(add_help=False, prog="websockify")
    for name in VALUES:
        parser.add_argument(f"--{name}", default="")
    for name in FLAGS:
        parser.add_argument(*filter(None, [_SHORT.get(name)]), f"--{name}", action="store_true")
    parser.add_argument("positional", nargs="*")
    options, unknown = parser.parse_known_intermixed_args(arguments)
    arguments = [*options.positional, "", ""]
    options.source, options.target = arguments[:2]
    options.wrapped = wrapped
    return options, [*unknown, *filter(None, arguments[2:])]
