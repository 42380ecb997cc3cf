"""Where the console of a token is, for console proxies that ask Nova."""

from __future__ import annotations

import os
from typing import Final

from ...config.scope import Scope
from ...errors import BadRequest, VNCProxyError
from ...interfaces import ITokenStore
from ...model import (
    ConsoleEndpoint,
    Grant,
    HTTPConnect,
    Policy,
    Sharing,
    Transport,
    VMAddress,
    VMSummary,
    check_secret,
)
from ...tokens.machine_check import MachineCheck
from ..caller import Caller
from ..reply import Reply
from .faults import TOKEN_NOT_FOUND, Fault
from .microversions import AUTH_TOKENS, TLS_PORT, Microversion
from .owners import MachineOwners
from .servers import server_id

_REACHABLE: Final = (Transport.TCP, Transport.TLS)


class AuthTokens:
    """The route ``GET /os-console-auth-tokens/{token}``, which takes one use of the token.

    Args:
        store: where tokens live.
        machines: locates consoles.
        owners: which machines a caller may use.
    """

    def __init__(self, store: ITokenStore, machines: MachineCheck, owners: MachineOwners) -> None:
        self._store = store
        self._machines = machines
        self._owners = owners

    async def show(
        self, caller: Caller, secret: str, version: Microversion, *, has_query: bool
    ) -> Reply:
        """Return host and port of the token's console.

        Raises:
            Fault: 400, not in this version; 403, another proxy would not enforce the token's
                policy; 404, for this caller there is no such token; 501, the console is at no TCP
                port that needs no more than a path.
            TokenRefused: there is no such token.
            VNCProxyError: the console cannot be located; the use is given back.
        """
        if version < AUTH_TOKENS:
            raise Fault(400, "The requested console type details are not accessible")
        if version >= TLS_PORT and has_query:
            raise Fault(400, "Additional query parameters are not allowed")
        grant = await self._store.redeem(_checked(secret))
        try:
            console = await self._locate(caller, grant)
            await self._store.confirm(grant)
        except VNCProxyError:
            await self._store.restore(grant)
            raise
        if version >= TLS_PORT:
            console["tls_port"] = None
        return Reply(200, {"console": console})

    async def _locate(self, caller: Caller, grant: Grant) -> dict[str, object]:
        vm = grant.token.vm
        if grant.endpoint is not None:
            raise Fault(404, TOKEN_NOT_FOUND)
        await self._require(caller, vm)
        if grant.token.joins is not None or restricted(grant.token.policy):
            raise Fault(403, "The policy of this token is enforced by vncproxy only.")
        endpoint = await self._machines.endpoint(vm)
        if endpoint.fd >= 0:
            os.close(endpoint.fd)
        path = _access_path(endpoint)
        return {
            "instance_uuid": server_id(vm),
            "host": endpoint.host,
            "port": endpoint.port,
            "internal_access_path": path,
        }

    async def _require(self, caller: Caller, vm: VMAddress) -> None:
        """Refuse a machine that the caller may not use, as if there were no such token."""
        (granted,) = await self._owners.granted(caller, [VMSummary(vm, "", "")])
        if granted is None:
            raise Fault(404, TOKEN_NOT_FOUND)
        _, rights = granted
        rights.require_scope(Scope.ADMIN)


def _checked(secret: str) -> str:
    try:
        return check_secret(secret)
    except BadRequest as e:
        raise Fault(404, TOKEN_NOT_FOUND) from e


def restricted(policy: Policy) -> bool:
    """Tell whether a policy restricts sessions, which a proxy that asks for an address ignores."""
    return bool(
        policy.max_duration
        or policy.idle_timeout
        or policy.client_networks
        or policy.confirm
        or policy.open_times
        or policy.bandwidth
        or policy.restricts_messages
        or policy.sharing is not Sharing.SHARED
        or policy.asks
        or policy.not_enforced()
    )


def _access_path(endpoint: ConsoleEndpoint) -> str | None:
    """Return the target of ``CONNECT``; None where the console needs none.

    Raises:
        Fault: 501, host, port and path do not suffice.
    """
    connects = [each for each in endpoint.handshakes if isinstance(each, HTTPConnect)]
    headers = any(each.headers for each in connects)
    if endpoint.transport not in _REACHABLE or headers or len(connects) > 1:
        raise Fault(501, "The console of this machine is reached through vncproxy only.")
    return connects[0].target if connects else None
