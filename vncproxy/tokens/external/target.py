"""What tokens of other issuers name: a target instead of a machine, and how to log in there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from ...addresses import NOT_DIALLED, Host, bracketed, is_own, meaning
from ...config.secret import Secret
from ...errors import BackendError, TokenUnknown
from ...interfaces import IBlockingCalls, ITokenStore
from ...model import (
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    Policy,
    RFBSecurity,
    Token,
    Transport,
    UnixTime,
    VMAddress,
    secret_id,
)
from ...tls.settings import TLSSettings, warnings_about

UNIX_SOCKET = "unix_socket:"
_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")


@dataclass(frozen=True, slots=True)
class Means:
    """What a token source works with.

    Attributes:
        store: the proxy's own tokens.
        calls: the pool for what blocks.
        time: wall-clock time.
        reactor: connects, and measures time limits.
    """

    store: ITokenStore
    calls: IBlockingCalls
    time: Callable[[], UnixTime]
    reactor: Any


@dataclass(frozen=True, slots=True)
class Target:
    """Where a token points to: a host, an IPv6 address without brackets, or a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{UNIX_SOCKET}{self.path}"
        return f"{bracketed(self.host)}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``host:port``, with or without brackets around the host, or ``unix_socket:/path``.

        The last colon counts, as in websockify's token files.

        Raises:
            ValueError: it is none of these; without saying what it is.
        """
        text = text.strip()
        if text.startswith(UNIX_SOCKET):
            path = text.removeprefix(UNIX_SOCKET)
            if not path.startswith("/") or not path.isprintable():
                raise ValueError("a unix socket needs an absolute path")
            return cls(path=path)
        host, colon, port = text.rpartition(":")
        if not colon:
            raise ValueError("no colon between host and port")
        return cls.of(host, port)

    @classmethod
    def of(cls, host: object, port: object) -> Target:
        """Check a host, bracketed or not, and a port, as a number or in digits.

        Raises:
            ValueError: one of them cannot be dialled; without saying what it is.
        """
        if not isinstance(host, str) or not _HOST.fullmatch(name := _without_brackets(host)):
            raise ValueError("the host is no name or address")
        if isinstance(port, str) and port.isascii() and port.isdigit() and len(port) <= 5:
            port = int(port)
        if type(port) is not int or not 0 < port < 65536:
            raise ValueError("the port is no number from 1 to 65535")
        return cls(name, port)


def _without_brackets(host: str) -> str:
    return host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host


class ServerSettings(BaseModel):
    """What all ``[token_sources.NAME]`` tables know about the servers that their tokens lead to.

    Attributes:
        vnc_password: for VNC authentication; empty where servers ask for none.
        transport: ``tls`` speaks TLS before everything else, as websockify's ``--ssl-target``.
        tls: with transport ``tcp``, demands VeNCrypt; says how servers are verified.
        addresses: where a host is dialled, by what tokens call it. This machine itself, loopback
            or a wildcard, is dialled only where it stands here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    vnc_password: Secret = SecretStr("")
    transport: Literal["tcp", "tls"] = "tcp"
    tls: TLSSettings | None = None
    addresses: dict[str, Host] = {}

    def endpoint(self, target: Target, remedy: str = "") -> ConsoleEndpoint:
        """Return what a session dials.

        Args:
            remedy: what else helps where the host means another machine wherever it is dialled.

        Raises:
            BackendError: it is told so, and not in ``addresses``.
        """
        if self.refuses(target):
            raise BackendError(
                f"{target} means {meaning(target.host)} and is not dialled blindly: {remedy}where "
                "that is right, write "
                f'addresses = {{ "{target.host}" = "127.0.0.1" }}',
                public=NOT_DIALLED,
            )
        return self._endpoint(target)

    def refuses(self, target: Target) -> bool:
        """Return whether a host means another machine everywhere, and ``addresses`` has none."""
        return not target.path and target.host not in self.addresses and is_own(target.host)

    def _endpoint(self, target: Target) -> ConsoleEndpoint:
        outside = self.transport == "tls" and not target.path
        tls = self.tls.trust() if self.tls else None
        security = RFBSecurity(
            self.vnc_password.get_secret_value() or None, tls=None if outside else tls
        )
        if target.path:
            return ConsoleEndpoint(Transport.UNIX, path=target.path, handshakes=(security,))
        return ConsoleEndpoint(
            Transport.TLS if outside else Transport.TCP,
            self.addresses.get(target.host, target.host),
            target.port,
            tls=(tls or TLSSettings().trust()) if outside else None,
            handshakes=(security,),
            allow_loopback=target.host in self.addresses,
        )

    def warnings(self) -> list[str]:
        """Return what deserves a look: servers that are not verified, files that are not there."""
        outside = TLSSettings() if self.transport == "tls" else None
        tls = self.tls or outside
        return list(warnings_about(tls.trust() if tls else None))


def too_short(source: str, secret: str, shortest: int) -> TokenUnknown:
    """Return the error for a token that its issuer has, and that is refused for its length."""
    return TokenUnknown(
        f"{source}: token {secret_id(secret)[:12]} has {len(secret)} characters and could be "
        f"guessed; give it {shortest} or more, or lower shortest_token"
    )


def grant(
    secret: str,
    vm: VMAddress,
    endpoint: ConsoleEndpoint,
    now: UnixTime,
    *,
    user: str = "",
    expires_at: UnixTime = math.inf,
) -> Grant:
    """Return what another issuer's token allows: control, any number of times."""
    token = Token(vm, user, ConsoleType.NOVNC, Policy(uses=0), now, expires_at)
    return Grant(secret_id(secret), token, endpoint=endpoint)
