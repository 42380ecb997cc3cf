"""The consoles' servers to which tokens of other issuers lead: where they are, how to log in."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from ...addresses import NOT_DIALLED, Host, is_own, meaning
from ...config.secret import Secret
from ...errors import BackendError
from ...model import ConsoleEndpoint, RFBSecurity, Transport
from ...tls.settings import TLSSettings, warnings_about
from .target import Target


class ServerSettings(BaseModel):
    """The keys of every ``[token_sources.NAME]`` table about the servers that its tokens lead to.

    Attributes:
        vnc_password: for VNC authentication; empty where servers ask for none.
        transport: ``tls`` speaks TLS before everything else, as websockify's ``--ssl-target``.
        tls: with transport ``tcp``, demands VeNCrypt; says how servers are verified.
        addresses: where a host is dialled, by its name in tokens. This machine itself, loopback or
            a wildcard, is dialled only where it stands here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    vnc_password: Secret = SecretStr("")
    transport: Literal["tcp", "tls"] = "tcp"
    tls: TLSSettings | None = None
    addresses: dict[str, Host] = {}

    def endpoint(self, target: Target, remedy: str = "") -> ConsoleEndpoint:
        """Return what a session dials.

        Args:
            remedy: another way to mend a host that is not dialled, for the message.

        Raises:
            BackendError: the host means the machine that dials it, and ``addresses`` has no other.
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
        """Tell whether a host means the machine that dials it, and ``addresses`` has no other."""
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
        """Return one line for each server that is not verified, and each file that is missing."""
        outside = TLSSettings() if self.transport == "tls" else None
        tls = self.tls or outside
        return list(warnings_about(tls.trust() if tls else None))
