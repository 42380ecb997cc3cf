"""The systemd unit of a proxy on a hypervisor, made from the one that is shipped."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .failures import Refused

SHIPPED: Final = Path(__file__).with_name("vncproxy.service")
RUNNING: Final = Path("/run/systemd/system")
"""There where systemd is the first process, see sd_booted(3)."""

NAME: Final = "vncproxy.service"
CREDENTIALS: Final = Path("/run/credentials") / NAME


def has_systemd() -> bool:
    """Tell whether systemd runs this machine."""
    return RUNNING.is_dir()


def unit_text(config: Path, credentials: Mapping[str, Path], group: str = "libvirt") -> str:
    """Return the unit.

    Args:
        config: the configuration file.
        credentials: files that only root may read, by the names under which the proxy finds them in
            `CREDENTIALS`.
        group: whose members may speak with libvirt; empty for none.
    """
    text = SHIPPED.read_text(encoding="utf-8")
    text = text.partition("\n\n")[2]  # its first lines say how it is installed by hand
    text = text.replace("/opt/vncproxy/bin/", f"{Path(sys.executable).parent}/")
    text = text.replace("/etc/vncproxy/vncproxy.toml", str(config))
    if group:
        text = text.replace("#SupplementaryGroups=libvirt", f"SupplementaryGroups={group}")
    lines = "\n".join(f"LoadCredential={name}:{path}" for name, path in credentials.items())
    return re.sub(r"#LoadCredential=.*", lines, text) if lines else text


def enable() -> None:
    """Let systemd start the proxy, now and when the machine starts; a running one starts again.

    Raises:
        Refused: systemd refuses.
    """
    for words in (("daemon-reload",), ("enable", NAME), ("restart", NAME)):
        done = subprocess.run(  # noqa: S603
            ["systemctl", *words],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        if done.returncode:
            why = (done.stderr or done.stdout).strip()
            raise Refused(f"systemctl {' '.join(words)}: {why}; journalctl -u vncproxy has more")
