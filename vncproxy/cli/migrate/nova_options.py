"""The options of nova-novncproxy and nova-xvpvncproxy, with all names that Nova has taken them by.

Source: Nova's ``nova/conf/{vnc,novnc,consoleauth,console,xvp,netconf}.py`` from Kilo to 2026.1, and
``keystoneauth1``'s options of a login.
"""

from __future__ import annotations

from typing import Final

from oslo_config import cfg

ACCOUNTS: Final = ("service_user", "keystone_authtoken")
"""Groups with Nova's own account at Keystone, the first that has one counts."""


def _old(*names: str) -> list[cfg.DeprecatedOpt]:
    """Return names of the time before an option had its group, as ``group.name`` or ``name``."""
    pairs = (name.rpartition(".") for name in names)
    return [cfg.DeprecatedOpt(name, group=group or "DEFAULT") for group, _, name in pairs]


_VNC: Final = (
    cfg.BoolOpt("enabled", default=True, deprecated_opts=_old("vnc_enabled")),
    cfg.StrOpt("keymap", deprecated_opts=_old("vnc_keymap")),
    cfg.StrOpt("novncproxy_host", default="0.0.0.0", deprecated_opts=_old("novncproxy_host")),  # noqa: S104
    cfg.PortOpt("novncproxy_port", default=6080, deprecated_opts=_old("novncproxy_port")),
    cfg.StrOpt(
        "novncproxy_base_url",
        default="http://127.0.0.1:6080/vnc_auto.html",
        deprecated_opts=_old("novncproxy_base_url"),
    ),
    cfg.StrOpt("xvpvncproxy_host", default="0.0.0.0", deprecated_opts=_old("xvpvncproxy_host")),  # noqa: S104
    cfg.PortOpt("xvpvncproxy_port", default=6081, deprecated_opts=_old("xvpvncproxy_port")),
    cfg.StrOpt(
        "xvpvncproxy_base_url",
        default="http://127.0.0.1:6081/console",
        deprecated_opts=_old("xvpvncproxy_base_url"),
    ),
    cfg.StrOpt("server_listen", deprecated_opts=_old("vncserver_listen", "vnc.vncserver_listen")),
    cfg.StrOpt(
        "server_proxyclient_address",
        deprecated_opts=_old("vncserver_proxyclient_address", "vnc.vncserver_proxyclient_address"),
    ),
    cfg.ListOpt("auth_schemes", default=["none"]),
    cfg.StrOpt("vencrypt_client_key", default=""),
    cfg.StrOpt("vencrypt_client_cert", default=""),
    cfg.StrOpt("vencrypt_ca_certs", default=""),
)

_LOGIN: Final = (
    *(
        cfg.StrOpt(name, default="", secret=name == "password")
        for name in ("auth_url", "username", "password", "project_name", "region_name", "cafile")
    ),
    *(
        cfg.StrOpt(f"{whose}_domain_{what}", default="")
        for whose in ("user", "project")
        for what in ("name", "id")
    ),
)

OPTIONS: Final[dict[str, tuple[cfg.Opt, ...]]] = {
    "DEFAULT": (
        cfg.StrOpt("cert", default="self.pem"),
        cfg.StrOpt("key", default=""),
        cfg.StrOpt("record"),
        cfg.BoolOpt("daemon", default=False),
        cfg.BoolOpt("ssl_only", default=False),
        cfg.BoolOpt("source_is_ipv6", default=False),
        cfg.StrOpt("web"),
        cfg.BoolOpt("debug", default=False),
    ),
    "vnc": _VNC,
    "consoleauth": (
        cfg.IntOpt("token_ttl", default=600, deprecated_opts=_old("console_token_ttl")),
        cfg.BoolOpt("enforce_session_timeout", default=False),
    ),
    "console": (
        cfg.ListOpt("allowed_origins", default=[], deprecated_opts=_old("console_allowed_origins")),
        cfg.StrOpt("ssl_ciphers"),
        cfg.StrOpt("ssl_minimum_version", default="default"),
    ),
    **dict.fromkeys(ACCOUNTS, _LOGIN),
}
"""By group; the first name of an option is today's."""
