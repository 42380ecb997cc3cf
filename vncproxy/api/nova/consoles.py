"""URLs of consoles: a token is issued, and its link is built as Nova builds it."""

from __future__ import annotations

from typing import Final

from twisted.logger import Logger

from ...config.scope import Scope
from ...errors import ConsoleUnavailable, NoGraphicalConsole, VMNotFound
from ...model import ConsoleType, Policy
from ...text import printable
from ...tokens.access_url import nova_url
from ...tokens.bounds import narrowed
from ...tokens.issuing import IssueRequest, TokenIssuer
from ...tokens.machine_check import MachineCheck
from ..audit import ApiAudit
from ..caller import Caller
from ..reply import Reply
from .bodies import VNC, RemoteConsole, VNCConsole, unavailable
from .faults import Fault
from .servers import Server, Servers, not_found

PAGE: Final = "vnc_auto.html"
"""The page of links of the type ``novnc``, below the proxy's URL."""


class Consoles:
    """The routes that answer with a console's URL.

    Args:
        servers: finds machines.
        machines: checks that a machine has a console now.
        issuer: issues tokens.
        novnc_url: the page that opens consoles in browsers; empty for that of the proxy which shows
            the machine.
        audit: writes what was issued.
    """

    log = Logger()

    def __init__(
        self,
        servers: Servers,
        machines: MachineCheck,
        issuer: TokenIssuer,
        novnc_url: str,
        audit: ApiAudit,
    ) -> None:
        self._servers = servers
        self._machines = machines
        self._issuer = issuer
        self._novnc_url = novnc_url
        self._audit = audit

    async def remote_console(self, caller: Caller, server_id: str, asked: RemoteConsole) -> Reply:
        """Answer ``POST /servers/{id}/remote-consoles``.

        Raises:
            Fault: 400, no console of this type; 404; 409, with the machine's state; 501, the
                machine has no screen.
            BackendError: its backend fails.
            StoreUnavailable: no token was issued.
        """
        if asked.protocol != VNC:
            raise unavailable(asked.type)
        if asked.type not in {each.value for each in ConsoleType}:
            raise Fault(400, f"Invalid console type {asked.type}")
        url = await self._url(caller, server_id, ConsoleType(asked.type))
        console = {"protocol": asked.protocol, "type": asked.type, "url": url}
        return Reply(200, {"remote_console": console})

    async def vnc_console(self, caller: Caller, server_id: str, asked: VNCConsole) -> Reply:
        """Answer the action ``os-getVNCConsole``; it raises what `remote_console` raises."""
        url = await self._url(caller, server_id, ConsoleType(asked.type))
        return Reply(200, {"console": {"type": asked.type, "url": url}})

    async def _url(self, caller: Caller, given: str, console_type: ConsoleType) -> str:
        server = await self._servers.find(caller, given)
        caller = server.granted
        caller.require_scope(Scope.ISSUE)
        await self._require_console(server)
        vm = server.machine.vm
        issued = await self._issuer.issue(
            IssueRequest(vm, caller.name, console_type, narrowed(Policy(), caller.policy))
        )
        self._audit.issued(caller, issued.id, vm, issued.token.user)
        self.log.info(
            "nova api {kind} {key} issued: token {token}, vm {vm}",
            kind=caller.kind,
            key=caller.name,
            token=issued.id[:12],
            vm=printable(str(vm)),
        )
        if console_type is ConsoleType.NOVNC:
            return nova_url(self._novnc_url or issued.base + PAGE, issued.secret)
        return issued.url

    async def _require_console(self, server: Server) -> None:
        try:
            await self._machines.require_console(server.machine.vm)
        except VMNotFound as e:
            raise not_found(server.id) from e
        except NoGraphicalConsole as e:
            raise Fault(
                501, f"Unable to get vnc console, functionality not implemented. {e.sentence()}"
            ) from e
        except ConsoleUnavailable as e:
            raise Fault(409, f"Instance {server.id} is not ready. {e.sentence()}") from e
