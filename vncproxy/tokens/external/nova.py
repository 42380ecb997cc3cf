"""Tokens that Nova issued, validated by Nova at every use: a drop-in for ``nova-novncproxy``.

It needs neither Nova's database nor its message queue, only an account that may read
``os-console-auth-tokens`` (microversion 2.31), which administrators may by default.
"""

from __future__ import annotations

import logging
import re
import threading
import uuid
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

from zope.interface import implementer

from ...errors import BackendError, ConfigurationError, StoreUnavailable
from ...interfaces import IHasWarnings, ITokenSource
from ...model import Grant, VMAddress
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
_LONGEST_REASON: Final = 200
_LOGIN: Final = re.compile(r"//\S*@")


@implementer(IHasWarnings, ITokenSource)
class NovaTokens:
    """Nova's tokens: any number of uses until Nova says that they are over; nothing is cached.

    Raises:
        ConfigurationError: the SDK is not installed.
    """

    Settings = NovaTokensSettings

    def __init__(self, context: SourceContext) -> None:
        if find_spec("openstack") is None:
            raise ConfigurationError(
                f"[token_sources.{context.name}] needs the OpenStack SDK: "
                "pip install 'vncproxy[nova]'"
            )
        self._name = context.name
        self._settings: NovaTokensSettings = context.settings
        self._context = context
        self._nova = Nova(self._settings)

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
    """One logged-in SDK connection; its methods block and may be called by several threads."""

    def __init__(self, settings: NovaTokensSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._connection: Any = None

    def look_up(self, token: str) -> NovaConsole | None:
        """Ask Nova about a token; None when it is unknown or over.

        No error of the SDK leaves this method: most hold the URL, and so the token.

        Raises:
            StoreUnavailable: Keystone or Nova refuse, or do not answer.
        """
        try:
            found = self._compute().validate_console_auth_token(token)
        except Exception as e:  # noqa: BLE001 the SDK lets those of its libraries through
            if (status := _status(e)) == 404 and _is_of_nova(e):
                return None
            raise StoreUnavailable(_reason(e, status, token)) from None
        return NovaConsole(
            str(found.instance_uuid), found.host, found.port, found.internal_access_path
        )

    def _compute(self) -> Any:
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection.compute

    def _connect(self) -> Any:
        # imported late: it takes half a second, and is an extra
        from openstack.config import OpenStackConfig
        from openstack.connection import Connection

        _silence()
        settings = self._settings
        files = [settings.clouds_file] if settings.clouds_file else None
        known = OpenStackConfig(
            config_files=files, load_yaml_config=bool(settings.cloud), load_envvars=False
        )
        return Connection(config=known.get_one(**settings.sdk_options()))


def _silence() -> None:
    """Keep the libraries' warnings, which hold URLs, off the standard error."""
    for name in ("keystoneauth", "openstack", "urllib3"):
        logging.getLogger(name).addHandler(logging.NullHandler())


def _status(error: Exception) -> int:
    status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
    return status if isinstance(status, int) else 0


def _is_of_nova(error: Exception) -> bool:
    """Tell Nova's 404 from Keystone's, which is raised by another library."""
    return type(error).__module__.startswith("openstack.")


def _reason(error: Exception, status: int, token: str) -> str:
    if status in _CAUSES:
        return f"{_CAUSES[status]} (HTTP {status})"
    first = (str(error).splitlines() or [""])[0].replace(token, "TOKEN")
    # a proxy's URL, or one in clouds.yaml, may hold a password
    said = _LOGIN.sub("//…@", first)[:_LONGEST_REASON]
    return f"{type(error).__name__}: {said}"
