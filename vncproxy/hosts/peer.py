"""Another proxy that has tokens of its own, asked by its API for a link to a machine of its host.

It is a request like that of any issuer, so the proxy there applies its own limits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from pydantic import TypeAdapter
from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004
from twisted.web.http_headers import Headers

from ..errors import BadRequest, ConfigurationError, VMNotFound, VNCProxyError
from ..model import MachineHost, Policy, TLSTrust, Token, VMAddress, check_secret, secret_id
from ..text import printable, system_message
from ..tls.https import HTTPSPolicy, LimitedAnswer
from ..tokens.issuing import IssuedToken
from ..tokens.refusals import IssueRefused, NoProxyForHost
from .candidates import is_url

LONGEST_MESSAGE: Final = 300
"""Characters of a peer's message that are kept."""

ANY_HOST: Final = "*"
"""Stands for the hosts that are no other peer's, in the hosts of a peer."""

LARGEST_PICTURE: Final = 64 << 20
"""Bytes of a picture; a security limit."""

PICTURE_TIME: Final = 20.0
"""Seconds for a picture, for which the peer asks a hypervisor."""

_POLICY: Final = TypeAdapter(Policy)
_KEPT_FOR: Final = 45
"""Seconds that a connection may be unused; the other side closes it after 60."""


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """How a peer is asked.

    Attributes:
        name: of its table.
        api: the URL of its API, without a slash at its end.
        key: that it knows us by.
        hosts: the hosts whose machines it shows, by their names; `ANY_HOST` for all that are no
            other peer's.
        trust: how it is verified.
        timeout: seconds for one request.
    """

    name: str
    api: str
    key: str
    hosts: tuple[str, ...]
    trust: TLSTrust
    timeout: float

    def __repr__(self) -> str:
        return f"PeerSettings({self.name!r}, {self.api!r})"


class Peer:
    """One peer.

    Args:
        settings: how it is asked.
        network: the reactor.
        on_issued: is called with each token that it has issued.
    """

    def __init__(
        self,
        settings: PeerSettings,
        network: Any,
        on_issued: Callable[[Peer, IssuedToken], object] = lambda peer, issued: None,
    ) -> None:
        # they take a tenth of the proxy's start, and few proxies have peers
        from treq.client import HTTPClient
        from twisted.web.client import Agent, HTTPConnectionPool

        self._on_issued = on_issued
        self.settings = settings
        self._network = network
        self._pool = HTTPConnectionPool(network)
        self._pool.cachedConnectionTimeout = _KEPT_FOR
        self._policy = HTTPSPolicy(settings.trust)
        agent = Agent(network, self._policy, settings.timeout, pool=self._pool)
        self._client = HTTPClient(agent)

    @property
    def name(self) -> str:
        """The name of its table."""
        return self.settings.name

    def serves(self, host: MachineHost) -> bool:
        """Tell whether it serves a host by name."""
        return host.is_among(self.settings.hosts)

    @property
    def knows_all(self) -> bool:
        """Whether it is asked for machines of hosts that no other peer serves."""
        return ANY_HOST in self.settings.hosts

    async def issue(
        self, token: Token, ttl: float, hops: int, *, running: bool = False
    ) -> IssuedToken:
        """Let the peer issue a token.

        Args:
            ttl: seconds that it lives.
            hops: how many proxies the request has come by, this one included.
            running: whether the machine must be on there.

        Raises:
            VMNotFound: it has no such machine.
            IssueRefused: with the field that it refuses.
            NoProxyForHost: it cannot be reached, or cannot issue now.
        """
        body = {
            "vm": str(token.vm),
            "user": token.user,
            "type": token.type.value,
            "ttl": ttl,
            "policy": _POLICY.dump_python(token.policy, mode="json", exclude_defaults=True),
            "hops": hops,
            "running": running,
        }
        issued = self._issued(token, await self._send("POST", "/v1/tokens", body))
        self._on_issued(self, issued)
        return issued

    async def revoke(self, token_id: str) -> bool:
        """Revoke a token that the peer has issued, and end its sessions; False where it was over.

        Raises:
            NoProxyForHost: it cannot be reached.
        """
        answer = await self._send("DELETE", f"/v1/tokens/{token_id}", None)
        return bool(answer.get("revoked"))

    async def picture(self, vm: VMAddress, cursor: bool | None, hops: int) -> bytes:
        """Return a machine's screen as the peer shows it, a PNG.

        Args:
            cursor: whether the mouse cursor is shown; None for as its console's server has it.
            hops: how many proxies the request has come by, this one included.

        Raises:
            VMNotFound: it has no such machine.
            NoProxyForHost: it cannot be reached, or has no picture.
        """
        shown = {} if cursor is None else {"cursor": str(cursor).lower()}
        query = urlencode({"vm": str(vm), "hops": str(hops), **shown})
        answer = LimitedAnswer(LARGEST_PICTURE)
        asked = self._exchange("GET", f"/v1/screenshot?{query}", None, answer)
        status = await self._within(asked, max(self.settings.timeout, PICTURE_TIME))
        if status != 200:
            raise self._refusal(status, answer.content)
        return answer.content

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.closeCachedConnections()

    def _issued(self, token: Token, answer: dict[str, Any]) -> IssuedToken:
        url, secret = answer.get("url"), answer.get("token")
        try:
            check_secret(secret if isinstance(secret, str) else "")
        except BadRequest as e:
            raise NoProxyForHost(f"the answer of the peer {self.name} has no token") from e
        if not isinstance(url, str) or not is_url(url):
            raise NoProxyForHost(f"the answer of the peer {self.name} has no URL")
        base = urlunsplit(urlsplit(url)._replace(query="", fragment=""))
        return IssuedToken(secret_id(str(secret)), token, str(secret), url, base)

    async def _send(self, method: str, path: str, body: Any) -> dict[str, Any]:
        answer = LimitedAnswer()
        asked = self._exchange(method, path, body, answer)
        status = await self._within(asked, self.settings.timeout)
        if status >= 300 and status != 404:
            raise self._refusal(status, answer.content)
        return _json(answer.content)

    async def _within(self, exchange: Coroutine[Any, Any, int], limit: float) -> int:
        """Return the status of an exchange that may take so many seconds."""
        try:
            return await Deferred.fromCoroutine(exchange).addTimeout(limit, self._network)
        except (CancelledError, ConfigurationError):
            raise
        except Exception as e:
            raise NoProxyForHost(f"the peer {self.name} at {self._why(e, limit)}") from e

    async def _exchange(self, method: str, path: str, body: Any, answer: LimitedAnswer) -> int:
        headers = Headers({"Authorization": [f"Bearer {self.settings.key}"]})
        headers.addRawHeader("Content-Type", "application/json")
        data = None if body is None else json.dumps(body).encode()
        response = await self._client.request(
            method,
            f"{self.settings.api}{path}",
            headers=headers,
            data=data,
            allow_redirects=False,
            unbuffered=True,
        )
        await response.collect(answer)
        return int(response.code)

    def _why(self, error: Exception, limit: float) -> str:
        url = self.settings.api
        if isinstance(error, TimeoutError):
            return f"{url} does not answer within {limit:g} s"
        reasons = getattr(error, "reasons", None)
        cause = reasons[0].value if reasons else error
        return f"{url} cannot be reached: {self._policy.problem() or system_message(cause)}"

    def _refusal(self, status: int, content: bytes) -> VNCProxyError:
        error = _json(content).get("error")
        facts = error if isinstance(error, dict) else {}
        code = str(facts.get("code"))[:64]
        message = printable(str(facts.get("message")), LONGEST_MESSAGE)
        field = facts.get("field")
        if code == VMNotFound.code:
            return VMNotFound(f"the peer {self.name}: {message}")
        if status == 422 and isinstance(field, str):
            return IssueRefused(message, field=printable(field, 64), code=code)
        return NoProxyForHost(f"the peer {self.name} answers {status} {code}: {message}")


def _json(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
