"""Whose a token is, as Keystone says: identity API v3, ``GET /v3/auth/tokens``.

An account of our own asks; the role ``service`` suffices for it. A token whose use is limited to
some requests (an application credential with access rules) is unknown to services that do not say
that they enforce such rules, as this one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError
from zope.interface import implementer

from ..config.cloud import CloudSettings
from ..errors import BackendError, KeystoneUnavailable
from ..interfaces import IBlockingCalls, IHasWarnings
from .cloud import Cloud
from .failures import in_words, status_of

_CAUSES: Final = {
    401: "refuses the log-in: check the account and its password",
    403: "forbids it: the account needs the role service, or the policy identity:validate_token",
}


class Named(BaseModel):
    """Something of Keystone's: its id, which is never given again, and its name."""

    id: str = Field(min_length=1)
    name: str = ""


class InDomain(Named):
    """A user or a project, whose name is unique in its domain."""

    domain: Named


class KeystoneToken(BaseModel):
    """A valid token: whose it is, and for which project.

    Attributes:
        project: None for a token without a project's scope.
        roles: of the user in the project, those included that Keystone derives from others.
    """

    user: InDomain
    project: InDomain | None = None
    roles: tuple[Named, ...] = ()
    expires_at: datetime

    @property
    def role_names(self) -> frozenset[str]:
        """The names of the roles, in lower case, as OpenStack's services compare them."""
        return frozenset(role.name.lower() for role in self.roles)


@implementer(IHasWarnings)
class Keystone:
    """Keystone, asked by an account of our own.

    Args:
        settings: which Keystone, and as whom.
        calls: threads, for the SDK blocks.

    Raises:
        ConfigurationError: the SDK is not installed.
    """

    def __init__(self, settings: CloudSettings, calls: IBlockingCalls) -> None:
        self._settings = settings
        self._calls = calls
        self._cloud = Cloud(settings, "keystone")

    async def look_up(self, token: str) -> KeystoneToken | None:
        """Return whose a token is; None when it is unknown, over or revoked.

        Raises:
            KeystoneUnavailable: Keystone refuses us, or does not answer in time.
        """
        try:
            return await self._calls.call(self._settings.timeout, self._ask, token)
        except BackendError as e:
            raise KeystoneUnavailable(f"{self._settings}: {e.detail}") from e

    async def probe(self) -> str:
        """Log in and ask for a token that does not exist.

        Raises:
            KeystoneUnavailable: Keystone refuses us, or does not answer in time.
        """
        await self.look_up(uuid.uuid4().hex)
        return f"keystone of {self._settings} answers"

    def warnings(self) -> Sequence[str]:
        """Return what is unsafe about the way to Keystone."""
        return self._settings.cloud_warnings()

    async def close(self) -> None:
        """Do nothing: idle connections end with the process."""

    def _ask(self, token: str) -> KeystoneToken | None:
        """Ask, in a thread; no error of the libraries leaves this method."""
        try:
            response = self._get(token)
            if _is_unknown(response):
                return None
            response.raise_for_status()
            return KeystoneToken.model_validate(response.json()["token"])
        except ValidationError as e:
            raise KeystoneUnavailable(f"{self._settings}: {_misunderstood(e)}") from None
        except Exception as e:  # noqa: BLE001 the SDK lets those of its libraries through
            raise KeystoneUnavailable(f"{self._settings}: {_reason(e, token)}") from None

    def _get(self, token: str) -> Any:
        from keystoneauth1.plugin import AUTH_INTERFACE

        return self._cloud.connection().session.get(
            "/auth/tokens?nocatalog",
            headers={"X-Subject-Token": token, "Accept": "application/json"},
            endpoint_filter={"interface": AUTH_INTERFACE, "version": (3, 0)},
            raise_exc=False,
        )


def _is_unknown(response: Any) -> bool:
    """Tell Keystone's 404 from that of a server that has no such path."""
    if response.status_code != 404:
        return False
    try:
        return int(response.json()["error"]["code"]) == 404
    except (KeyError, TypeError, ValueError):
        return False


def _misunderstood(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"its answer cannot be understood: {'.'.join(map(str, first['loc']))}: {first['msg']}"


def _reason(error: Exception, token: str) -> str:
    status = status_of(error) or getattr(getattr(error, "response", None), "status_code", 0)
    if status in _CAUSES:
        return f"{_CAUSES[status]} (HTTP {status})"
    return in_words(error, token)
