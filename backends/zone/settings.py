"""The table ``[zones.NAME]``: what is asked of another zone, and what it may ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ...addresses import check_host
from ...config.secret import ERROR_TYPE, Secret
from ...model import Mode, PowerAction, Seconds, UnixTime
from ...tls.settings import TLSSettings, warnings_about
from ...zones.keys import PrivateKey, PublicKey
from ...zones.request import AcceptedKey, Peer


def _https(text: str) -> str:
    if not text:
        return text
    try:
        parts = urlsplit(text)
        _ = parts.port
        check_host(parts.hostname or "")
    except ValueError as e:
        raise ValueError(f"must be a URL: {e}") from None
    if parts.scheme != "https" or parts.username is not None or set("?#") & set(text):
        raise ValueError("must be https:// and a host, without a user, a query and a fragment")
    return text


def _private(secret: SecretStr) -> SecretStr:
    if text := secret.get_secret_value():
        try:
            PrivateKey.parse(text)
        except ValueError as e:
            raise PydanticCustomError(ERROR_TYPE, "{why}", {"why": str(e)}) from None
    return secret


def _public(value: Any) -> PublicKey:
    if isinstance(value, PublicKey):
        return value
    try:
        return PublicKey.parse(value if isinstance(value, str) else "")
    except ValueError as e:
        raise PydanticCustomError(ERROR_TYPE, "{why}", {"why": str(e)}) from None


def _moment(value: Any) -> UnixTime | None:
    """Read a date, at whose beginning the key ends, or a moment; both in UTC unless it says."""
    if value is None or isinstance(value, float):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("must be a date as in 2027-01-31, or a moment") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _key_table(value: Any) -> Any:
    return {"key": value} if isinstance(value, str) else value


HTTPSURL = Annotated[str, AfterValidator(_https)]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )


class Key(_Table):
    """A key that the zone signs with: a string, or a table with an end.

    Attributes:
        key: as ``vncproxy key new --zone`` prints it there.
        until: a date or a moment from which on it is refused; none for no end.
    """

    key: Annotated[PublicKey, PlainValidator(_public)]
    until: Annotated[UnixTime | None, PlainValidator(_moment)] = None


class Accept(_Table):
    """``[zones.NAME.accept]``: what the zone may ask.

    Attributes:
        keys: those that it signs with; two, while one replaces the other.
        backends: the backends whose machines its users may see, ``*`` for all; and zones, whose
            consoles are then passed on.
        hops: the most zones that a session may have passed when it arrives from there.
        max_duration: the most seconds of its sessions; none for what their tokens allow.
        idle_timeout: the most seconds that they may be idle, likewise.
        mode: ``view-only`` lets its users look at the consoles and not control them.
        power: what its users may do to the power of machines; nothing by default.
    """

    keys: tuple[Annotated[Key, BeforeValidator(_key_table)], ...] = ()
    backends: tuple[str, ...] = ()
    hops: Annotated[int, Field(ge=1, le=8)] = 1
    max_duration: Seconds | None = None
    idle_timeout: Seconds | None = None
    mode: Mode = Mode.CONTROL
    power: tuple[PowerAction, ...] = ()


class ZoneSettings(_Table):
    """The table ``[zones.NAME]``; NAME is what the zone calls itself, its ``proxy.zone``.

    Attributes:
        dial: empty where each side dials when it asks; ``them`` where the zone cannot be dialled
            and keeps links to us, over which we ask it; ``us`` where we keep such links to it.
        api: the URL of its API; empty where nothing is asked of it, or over its links.
        console: the URL of its consoles, its ``public.base_url``; where we dial it, links go there.
        tls: how both are verified.
        key: the private key that requests are signed with.
        timeout: seconds for one request.
        power: whether it is asked to start, stop and reset machines.
        accept: what it may ask; nothing by default.
    """

    dial: Literal["", "us", "them"] = ""
    api: HTTPSURL = ""
    console: HTTPSURL = ""
    tls: TLSSettings = TLSSettings()
    key: Annotated[Secret, AfterValidator(_private)] = SecretStr("")
    timeout: Seconds = 5.0
    power: bool = False
    accept: Accept = Accept()

    @model_validator(mode="after")
    def _whole(self) -> ZoneSettings:
        given = [bool(self.api), bool(self.console), bool(self.key.get_secret_value())]
        if self.dial:
            self._check_dial(*given)
            return self
        if any(given) and not all(given):
            raise PydanticCustomError("zone", "api, console and key belong together")
        if not any(given) and not self.accept.keys:
            raise PydanticCustomError(
                "zone", "neither api, console and key, to ask it, nor accept.keys, to be asked"
            )
        return self

    def _check_dial(self, api: bool, console: bool, key: bool) -> None:
        """Check what is given of a zone with links; each side proves its key to the other one."""
        if not key or not self.accept.keys:
            why = f'dial = "{self.dial}" needs key and accept.keys: both zones prove theirs'
        elif self.dials_us and (api or console):
            why = 'api and console are of no use with dial = "them": the zone cannot be dialled'
        elif self.dial == "us" and not console:
            why = 'dial = "us" needs console, where it is dialled'
        else:
            return
        raise PydanticCustomError("zone", "{why}", {"why": why})

    @property
    def is_asked(self) -> bool:
        """Whether consoles of the zone can be asked for."""
        return bool(self.api) or self.dials_us

    @property
    def dials_us(self) -> bool:
        """Whether it is asked over links that it keeps to us."""
        return self.dial == "them"

    @property
    def place(self) -> str:
        """Where it is asked, for messages."""
        return "the end of its links" if self.dials_us else self.api

    def url(self, path: str) -> str:
        """Return the URL of a path of its API."""
        return ("http://zone" if self.dials_us else self.api.rstrip("/")) + path

    def console_url(self) -> SplitResult:
        """Return the URL of its consoles in parts."""
        return urlsplit(self.console)

    def private_key(self) -> PrivateKey:
        """Return the key that requests are signed with."""
        return PrivateKey.parse(self.key.get_secret_value())

    def peer(self, name: str) -> Peer:
        """Return what the zone may ask.

        Args:
            name: of the zone.
        """
        accept = self.accept
        return Peer(
            name,
            tuple(AcceptedKey(each.key, each.until) for each in accept.keys),
            frozenset(accept.backends),
            accept.hops,
            accept.max_duration,
            accept.idle_timeout,
            accept.mode,
            frozenset(accept.power),
        )

    def warnings(self, now: UnixTime) -> Iterator[str]:
        """Yield what is unsafe, or will soon not work."""
        yield from warnings_about(self.tls.trust() if self.console else None)
        for key in self.accept.keys:
            left = None if key.until is None else (key.until - now) / 86400
            if left is not None and left < 30:
                when = f"in {left:.0f} days" if left > 0 else "already"
                yield f"its key {key.key.id} expires {when}: let it send a new one, and accept both"
        if self.accept.keys and not self.accept.backends:
            yield "accept.backends is empty, so it may open no console here"
