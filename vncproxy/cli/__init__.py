"""The ``vncproxy`` command.

- `local`: the commands that need no proxy: ``demo``, ``check-config``, ``key``.
- `keys`: ``key create``, ``key list`` and ``key revoke``, through the HTTP API.
- `zone_keys`: ``key new --zone``.
- `tokens`: ``token``, through the HTTP API.
- `policy_options`: ``--policy`` and ``--policy-json``.
- `power`: ``power``, through the HTTP API.
- `sessions`: ``sessions``, through the HTTP API.
- `approvals`: approve of sessions that wait, deny them, or withdraw.
- `recording`: ``recording verify``, ``index``, ``play`` and ``export``, of files.
- `playing`, `recording_site`: the player for one file, on loopback.
- `recordings`: ``recordings``, through the HTTP API.
- `recording_audit`: what the audit says of a recording.
- `recording_upload`: ``recording upload``, of a spool.
- `screenshot`: ``screenshot``, through the HTTP API.
- `screen`: ``screen wait``, through the HTTP API.
- `typing`: ``type`` and ``keys``, through the HTTP API.
- `proxies`: ``proxies`` and ``drain``, through the HTTP API.
- `unconfirmed`: processes that have not confirmed an order.
- `connection`: the options that name the HTTP API, and the client for it.
- `layout`: tables, sizes and durations for people.
- `bridge`: ``bridge``, for any VNC viewer.
- `tunnel`: one viewer's bytes through the proxy's ``CONNECT``.
- `migrate`: ``migrate websockify``, ``nova`` and ``kolla``.
- `setting_up`: ``setup kvm``.
- `kvm_host`: the configuration that it writes.
- `systemd_unit`: the unit.
- `self_signed`: the certificate of the API.
- `written_files`: files that were edited are kept.
- `failures`: sentences and exit statuses.
- `reactor`: runs one coroutine under the reactor.
"""

from __future__ import annotations

import click

from .. import __version__
from . import approvals, keys
from .bridge import bridge
from .local import check_config, demo, key
from .migrate import migrate
from .power import power
from .proxies import drain, proxies
from .recording import recording
from .recordings import recordings
from .screen import screen
from .screenshot import screenshot
from .sessions import sessions
from .setting_up import setup
from .tokens import token
from .typing import keys as press_keys
from .typing import type_text

__all__ = ["approvals", "keys", "main"]


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": None},
    epilog="""\b
Exit status:
  0  done
  1  the API or the proxy refused, an object does not exist, or a check failed
  2  the command line or the configuration is wrong, or there is no API key
  3  the API or the proxy cannot be reached

The proxy itself is started by `twistd vncproxy --config FILE`.
""",
)
@click.version_option(__version__, prog_name="vncproxy")
def main() -> None:
    """Consoles of virtual machines, in browsers and TCP viewers."""


for _command in (
    *(
        demo,
        check_config,
        setup,
        token,
        sessions,
        power,
        screenshot,
        screen,
        type_text,
        press_keys,
        recording,
        recordings,
        proxies,
        drain,
        bridge,
        key,
        migrate,
    ),
):
    main.add_command(_command)
