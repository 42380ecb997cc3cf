"""The settings, table by table, with their defaults; ``etc/vncproxy.toml`` describes each.

They are frozen and refuse unknown keys; each ``[table]`` of the file is one class.
"""

from __future__ import annotations

import os
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from ..model import LEAST_BANDWIDTH, LONGEST_BANNER, Limits, Seconds, Timeouts
from . import urls
from .listen import Listen
from .listeners import is_local
from .login import Login
from .login import is_local as is_url_of_this_machine
from .nova import Keystone, Nova
from .recording import Recording
from .redis import RedisSettings
from .scope import Access
from .secret import RequiredSecret
from .setting_types import (
    ALL_BACKENDS,
    AnnouncedURL,
    Backend,
    BackendTable,
    BaseURL,
    HostPort,
    KeyHashes,
    Moment,
    Name,
    Network,
    Origin,
    PeerAddress,
    PeerURL,
    PlainText,
    Serves,
    Store,
    TokenSource,
    ViewerURL,
    Workers,
    Zone,
    check_name,
    wrong_key,
)
from .table import Table

__all__ = ["ALL_BACKENDS", "BackendTable", "Listen", "Settings"]


class Proxy(Table):
    """``[proxy]``: the proxy's name and zone, the number of its processes, and how they end."""

    name: PlainText = ""
    zone: PlainText = ""
    serves: Serves = "all"
    instances: Annotated[int, Field(ge=1)] = 1
    peer_address: PeerAddress = ""
    workers: Workers = 1
    supervisor: bool = False
    drain_timeout: Annotated[float, Field(ge=0)] = 3600.0
    stop_timeout: Annotated[float, Field(ge=0)] = 10.0

    @property
    def supervised(self) -> bool:
        """Whether a supervisor runs the workers; else this process is the only one."""
        return self.supervisor or self.workers != 1

    def worker_count(self) -> int:
        """Return the number of workers; ``auto`` is that of the processors for this process."""
        return len(os.sched_getaffinity(0)) if self.workers == "auto" else self.workers


class Public(Table):
    """``[public]``: the URLs of the proxy, and the pages and reverse proxies that it trusts."""

    base_url: BaseURL = "http://127.0.0.1:6080/"
    xvp_url: ViewerURL = "http://127.0.0.1:6081/console"
    announced_url: AnnouncedURL = ""
    announced_xvp_url: AnnouncedURL = ""
    rfb_address: HostPort = ""
    allowed_origins: tuple[Origin, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    forwarded_header: Literal["auto", "x-forwarded-for", "forwarded"] = "auto"

    @field_validator("announced_url", "announced_xvp_url")
    @classmethod
    def _moved_only(cls, url: str, info: ValidationInfo) -> str:
        name = "base_url" if info.field_name == "announced_url" else "xvp_url"
        if url and (own := info.data.get(name)) and not urls.is_moved(url, own):
            raise ValueError(f"may differ in host and port only from {name}, which is {own}")
        return url

    @property
    def announced(self) -> tuple[str, str]:
        """Return the URLs in access URLs: of the page, and for TCP viewers."""
        return self.announced_url or self.base_url, self.announced_xvp_url or self.xvp_url

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of the page, as browsers send them."""
        found = (self.base_url, self.announced_url)
        return tuple(dict.fromkeys(urls.origin(url) for url in found if url))

    @property
    def origin(self) -> str:
        """The base URL's origin, as browsers send it."""
        return urls.origin(self.base_url)

    @property
    def prefix(self) -> str:
        """The base URL's path, with its first and last slash: ``/``, ``/console/``."""
        return urls.prefix(self.base_url)


class Tokens(Table):
    """``[tokens]``: where tokens are stored, and their lifetimes in seconds."""

    store: Store = "memory"
    ttl: Annotated[int, Field(ge=1)] = 600
    max_ttl: Annotated[int, Field(ge=1)] = 86400
    resume: Annotated[int, Field(ge=0)] = 14400
    confirm: bool = False

    @field_validator("max_ttl")
    @classmethod
    def _not_below_ttl(cls, max_ttl: int, info: ValidationInfo) -> int:
        if max_ttl < (ttl := info.data.get("ttl", 0)):
            raise ValueError(f"at least ttl, which is {ttl}")
        return max_ttl


class Consent(Table):
    """``[consent]``: what all users have to accept before they see a console; empty for nothing."""

    banner: Annotated[str, Field(max_length=LONGEST_BANNER)] = ""


class Redis(Table, RedisSettings):
    """``[redis]``: how Redis is reached, when it is the token store."""

    timeout: Annotated[Seconds, Field(le=2)] = 1.5

    @field_validator("ca_file", "server_name")
    @classmethod
    def _with_tls_only(cls, text: str, info: ValidationInfo) -> str:
        if text and info.data.get("tls") is False:
            raise ValueError("has no effect without tls = true")
        return text

    @field_validator("wait_timeout")
    @classmethod
    def _within_an_operation(cls, seconds: float, info: ValidationInfo) -> float:
        if seconds > (most := info.data.get("timeout", 2) / 2):
            raise ValueError(f"at most half of timeout, which is {most:g}")
        return seconds


class Relay(Table):
    """``[relay]``: how bytes are moved after the handshakes."""

    fast: bool = True
    check_viewers: bool = False


class Sharing(Table):
    """``[sharing]``: several users at one machine, and what they are told of each other."""

    announce_shadows: bool = True
    show_users: bool = False


class Log(Table):
    """``[log]``: the ordinary log, and the file of the audit lines; empty stands for that log."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warn", "error"] = "info"
    audit: str = ""
    audit_required: bool = False


class APIKey(Access):
    """``[api.keys.NAME]``: a key, and what its bearer may do.

    Attributes:
        hash: of one secret, or of two while one takes the place of the other.
        expires: from when on it is refused.
        requests_per_minute: of all secrets and proxies together; none for any number.
    """

    hash: KeyHashes
    expires: Moment = None
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None


class API(Table):
    """``[api]``: the keys of the HTTP API."""

    keys: dict[Name, APIKey] = {}


class Peer(Table):
    """``[peers.NAME]``: a proxy with tokens of its own, which is asked for links."""

    api: PeerURL
    key: RequiredSecret
    hosts: tuple[PlainText, ...] = ()
    ca_file: str = ""
    server_name: str = ""
    timeout: Seconds = 5.0


class Settings(Table):
    """All tables; without arguments, the defaults."""

    proxy: Proxy = Proxy()
    public: Public = Public()
    listen: Listen = Listen()
    tokens: Tokens = Tokens()
    consent: Consent = Consent()
    redis: Redis = Redis()
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    relay: Relay = Relay()
    sharing: Sharing = Sharing()
    recording: Recording = Recording()
    log: Log = Log()
    api: API = API()
    login: Login = Login()
    keystone: Keystone | None = None
    nova: Nova = Nova()
    backends: dict[Name, Backend] = {}
    zones: dict[Name, Zone] = {}
    peers: dict[Name, Peer] = {}
    token_sources: dict[Name, TokenSource] = {}

    @field_validator("limits")
    @classmethod
    def _leaves_a_console_usable(cls, limits: Limits) -> Limits:
        rate = limits.bandwidth_per_user
        if 0 < rate < LEAST_BANDWIDTH:
            raise wrong_key(
                "bandwidth_per_user",
                f"{rate} is not allowed; 0 for any number, or at least {LEAST_BANDWIDTH} bytes in "
                "a second: below that a console is not usable",
            )
        return limits

    @field_validator("login")
    @classmethod
    def _cookies_by_tls(cls, login: Login, info: ValidationInfo) -> Login:
        public: Public = info.data.get("public", Public())
        url = public.base_url
        is_safe = url.startswith("https:") or is_url_of_this_machine(url)
        if not is_safe and (login.issuer or login.api_keys):
            key = "issuer" if login.issuer else "api_keys"
            text = f"needs https in [public] base_url, which is {url}: a login is a cookie"
            raise wrong_key(key, text)
        return login

    @field_validator("zones")
    @classmethod
    def _zones_have_names(
        cls, zones: dict[str, BackendTable], info: ValidationInfo
    ) -> dict[str, BackendTable]:
        proxy = info.data.get("proxy")
        own = proxy.zone if isinstance(proxy, Proxy) else ""
        if zones:
            try:
                check_name(own)
            except ValueError as e:
                raise ValueError(f"[proxy] zone must name this zone, too: {e}") from None
        for name in zones:
            if name == own:
                raise ValueError(f'"{name}" is this zone itself, [proxy] zone')
            if name in info.data.get("backends", {}):
                raise ValueError(f'"{name}" is a backend too; machines are told apart by the name')
        return zones

    @field_validator("nova")
    @classmethod
    def _none_on_loopback_only(cls, nova: Nova, info: ValidationInfo) -> Nova:
        listen: Listen = info.data.get("listen", Listen())
        for text in listen.api if "none" in nova.authentication else ():
            if not is_local(text):
                raise wrong_key(
                    "authentication",
                    '"none" lets every program that reaches the API open every console: [listen] '
                    f'api must be on loopback, and "{text}" is not',
                )
        return nova

    @field_validator("nova")
    @classmethod
    def _keystone_with_policies(cls, nova: Nova, info: ValidationInfo) -> Nova:
        if "keystone" not in nova.authentication:
            return nova
        if info.data.get("keystone", True) is None:
            raise wrong_key("authentication", '"keystone" needs a table [keystone]')
        if not nova.policies:
            raise wrong_key(
                "authentication",
                '"keystone" needs at least one [[nova.policies]]: without, all users are refused',
            )
        return nova

    @field_validator("token_sources")
    @classmethod
    def _no_name_of_a_backend(
        cls, sources: dict[str, BackendTable], info: ValidationInfo
    ) -> dict[str, BackendTable]:
        for name in sources:
            if name in {**info.data.get("backends", {}), **info.data.get("zones", {})}:
                raise ValueError(
                    f'"{name}" is a backend or a zone too; sessions are told apart by the name'
                )
        return sources
