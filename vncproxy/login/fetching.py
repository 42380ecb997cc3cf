"""Bounded requests to the provider: time, size, and no redirects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004
from twisted.web.http_headers import Headers

from ..errors import ConfigurationError, ProviderUnavailable
from ..model import TLSTrust
from ..text import printable, system_message
from ..tls.https import HTTPSPolicy, LimitedAnswer

LONGEST_ANSWER: Final = 256 * 1024
"""Bytes of an answer; beyond them it is cut off, and then no JSON."""


class ProviderRequests:
    """Sends requests to the provider.

    Args:
        trust: how it is verified.
        timeout: seconds for one request.
        network: the reactor.
    """

    def __init__(self, trust: TLSTrust, timeout: float, network: Any) -> None:
        # they take a tenth of the proxy's start, and few proxies have logins
        from treq.client import HTTPClient
        from twisted.web.client import Agent, HTTPConnectionPool

        self._timeout = timeout
        self._network = network
        self._policy = HTTPSPolicy(trust)
        pool = HTTPConnectionPool(network, persistent=False)
        self._client = HTTPClient(Agent(network, self._policy, timeout, pool=pool))

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: str = ""
    ) -> tuple[int, bytes]:
        """Return the status and the content of an answer.

        Raises:
            ProviderUnavailable: there is none.
        """
        exchange = Deferred.fromCoroutine(self._exchange(method, url, headers, body))
        try:
            return await exchange.addTimeout(self._timeout, self._network)
        except (CancelledError, ConfigurationError):
            raise
        except Exception as e:
            raise ProviderUnavailable(f"{_without_query(url)}: {self._why(e)}") from e

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: str
    ) -> tuple[int, bytes]:
        answer = LimitedAnswer(LONGEST_ANSWER)
        response = await self._client.request(
            method,
            url,
            headers=Headers({name: [value] for name, value in headers.items()}),
            data=body.encode() if body else None,
            allow_redirects=False,
            unbuffered=True,
        )
        await response.collect(answer)
        return int(response.code), answer.content

    def _why(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timeout:g} s"
        reasons = getattr(error, "reasons", None)
        cause = reasons[0].value if reasons else error
        return printable(self._policy.problem() or system_message(cause), 300)


def _without_query(url: str) -> str:
    return url.partition("?")[0]
