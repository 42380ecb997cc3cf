"""The table ``[backends.NAME]`` of type ``xen``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ...addresses import Host, Port, is_dialable, is_own, mapped
from ...config.secret import RequiredSecret
from ...model import Seconds
from ...tls.settings import TLSSettings

PLAIN: Final = "http"


def _url(text: str) -> str:
    """Return ``scheme://host[:port]``, without the slash at the end."""
    try:
        url = urlsplit(text)
        well_formed = (
            url.scheme in ("https", PLAIN)
            and is_dialable(url.hostname or "")
            and url.port != 0
            and url.username is None
            and url.path in ("", "/")
            and not (url.query or url.fragment)
        )
    except ValueError:
        well_formed = False
    if not well_formed:
        raise PydanticCustomError(
            "url", 'must be the URL of a pool member, such as "https://xen1.example.com"'
        )
    return text.rstrip("/")


def _one_or_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


URL = Annotated[str, AfterValidator(_url)]


class XenSettings(BaseModel):
    """The table ``[backends.NAME]`` of type ``xen``.

    Attributes:
        url: members of one pool, asked in this order; a member that is not the master names the
            master.
        username: an account whose role may open consoles (VM Operator at least).
        tls: how the certificates of the pool's members are verified.
        addresses: a member's address or name in XAPI -> where it is dialled. Loopback is dialled
            only if it stands here or in ``url``.
        plain_console: whether consoles are reached without TLS, with the session in the request's
            query, as old hosts need it; ``http`` URLs are then allowed, too.
        plain_port: the TCP port of such consoles.
        old_ciphers: whether XAPI's hosts may exchange keys by RSA, as those of version 7 may need.
        timeout: longest time for one question, however many members are asked.
        power: whether machines may be started, stopped and reset.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    url: Annotated[tuple[URL, ...], BeforeValidator(_one_or_several), Field(min_length=1)]
    username: Annotated[str, Field(min_length=1)] = "root"
    password: RequiredSecret
    tls: TLSSettings = TLSSettings()
    addresses: dict[str, Host] = {}
    plain_console: bool = False
    plain_port: Port = 80
    old_ciphers: bool = False
    timeout: Seconds = 8.0
    power: bool = False

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> XenSettings:
        if not self.plain_console and any(url.startswith(PLAIN + ":") for url in self.url):
            raise PydanticCustomError(
                "url", "must begin with https: unless plain_console is true, http is not used"
            )
        return self

    def ineffective(self) -> Iterator[str]:
        """Yield settings that do nothing, beside others in the table."""
        if "plain_port" in self.model_fields_set and not self.plain_console:
            yield "plain_port does nothing without plain_console"
        if all(url.startswith(PLAIN + ":") for url in self.url):
            for name in ("tls", "old_ciphers"):
                if name in self.model_fields_set:
                    yield f"{name} does nothing: every url is http, and consoles are plain"

    def dialled(self, host: str) -> str:
        """Return where a pool member is dialled, from its address in XAPI."""
        return mapped(self.addresses, host) or host

    def is_written(self, host: str) -> bool:
        """Return whether a member's address in XAPI is configured, in ``url`` or ``addresses``."""
        hosts = [urlsplit(url).hostname or "" for url in self.url]
        return host.lower() in {name.lower() for name in (*self.addresses, *hosts)}

    def is_refused(self, host: str) -> bool:
        """Return whether a member's address means this machine, and is not configured."""
        return is_own(host) and not self.is_written(host)
