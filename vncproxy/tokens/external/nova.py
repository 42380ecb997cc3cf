"""Tokens that Nova issued, validated by Nova at every use: a drop-in for ``nova-novncproxy``.

It needs neither Nova's database nor its message queue, only an account that may read
``os-console-auth-tokens`` (microversion 2.31), which administrators may by default.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Final

from zope.interface import implementer

from ...errors import BackendError, StoreUnavailable
from ...interfaces import IHasWarnings, ITokenSource
from ...model import Grant, VMAddress
from ...openstack.cloud import Cloud
from ...openstack.failures import in_words, status_of
from .context import SourceContext
from .grant import grant
from .nova_console import NovaConsole
from .nova_settings import NovaTokensSettings

_TOKEN: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CAUSES: Final = {
    400: "does not know the request: microversion 2.31 or later is needed",
    401: "refuses the log-in: check the account and its password",
    403: "forbids it: the account needs the policy os_compute_api:os-console-auth-tokens, which"
    " administrators have",
}


@implementer(IHasWarnings, ITokenSource)
class NovaTokens:
    """Nova's tokens: any number of uses until Nova says that they are over; nothing is cached.

    Raises:
        ConfigurationError: the SDK is not installed.
    """

    Settings = NovaTokensSettings

    def __init__(self, context: SourceContext) -> None:
        self._name = context.name
        self._settings: NovaTokensSettings = context.settings
        self._context = context
        self._nova = Nova(Cloud(self._settings, f"token_sources.{context.name}"))

    async def redeem(self, secret: str) -> Grant | None:
        """Return what Nova says that a token allows, or None when it is none of Nova's."""
        if not _TOKEN.fullmatch(secret):
            return None
        console = await self._ask(secret)
        if console is None:
            return None
        endpoint = console.endpoint(self._settings)
        vm = VMAddress(self._name, console.instance)
        return grant(secret, vm, endpoint, self._context.time())

    async def probe(self) -> str:
        """Log in and ask for a token that does not exist."""
        await self._ask(str(uuid.uuid4()))
        return f"nova of {self._settings} answers"

    def warnings(self) -> Sequence[str]:
        """Return what may be wrong in the table."""
        return self._settings.warnings()

    async def close(self) -> None:
        """Do nothing: idle connections end with the process."""

    async def _ask(self, token: str) -> NovaConsole | None:
        try:
            return await self._context.calls.call(self._settings.timeout, self._nova.look_up, token)
        except (BackendError, StoreUnavailable) as e:
            raise StoreUnavailable(f"{self._name}: {self._settings}: {e.detail}") from e


class Nova:
    """Nova's answers about tokens; its methods block and may be called by several threads."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def look_up(self, token: str) -> NovaConsole | None:
        """Ask Nova about a token; None when it is unknown or over.

        No error of the SDK leaves this method: most hold the URL, and so the token.

        Raises:
            StoreUnavailable: Keystone or Nova refuse, or do not answer.
        """
        try:
            found = self._cloud.connection().compute.validate_console_auth_token(token)
        except Exception as e:  # noqa: BLE001 the SDK lets those of its libraries through
            if (status := status_of(e)) == 404 and _is_of_nova(e):
                return None
            raise StoreUnavailable(_reason(e, status, token)) from None
        return NovaConsole(
            str(found.instance_uuid), found.host, found.port, found.internal_access_path
        )


def _is_of_nova(error: Exception) -> bool:
    """Tell Nova's 404 from Keystone's, which is raised by another library."""
    return type(error).__module__.startswith("openstack.")


def _reason(error: Exception, status: int, token: str) -> str:
    if status in _CAUSES:
        return f"{_CAUSES[status]} (HTTP {status})"
    return in_words(error, token)
