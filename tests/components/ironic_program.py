"""Serves OpenStack's real Ironic with a graphical console; with the environment of its programs.

Its arguments are a folder for the state, a port of 127.0.0.1 for the API, and host and port of the
VNC server that stands for the container with the console, which Ironic would start. The account
``vncproxy`` has its name as password.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

CONFIGURATION = """
[DEFAULT]
auth_strategy = http_basic
http_basic_auth_user_file = {folder}/htpasswd
log_file = {folder}/log
state_path = {folder}
host = conductor
my_ip = 127.0.0.1
rpc_transport = none
enabled_hardware_types = fake-hardware
enabled_bios_interfaces = no-bios
enabled_boot_interfaces = fake
enabled_console_interfaces = fake-graphical,no-console
enabled_deploy_interfaces = fake
enabled_firmware_interfaces = no-firmware
enabled_inspect_interfaces = no-inspect
enabled_management_interfaces = fake
enabled_network_interfaces = noop
enabled_power_interfaces = fake
enabled_raid_interfaces = no-raid
enabled_rescue_interfaces = no-rescue
enabled_storage_interfaces = noop
enabled_vendor_interfaces = no-vendor
[api]
host_ip = 127.0.0.1
port = {port}
api_workers = 1
[conductor]
automated_clean = false
[database]
connection = sqlite:///{folder}/db
[oslo_concurrency]
lock_path = {folder}
[oslo_messaging_notifications]
driver = noop
[vnc]
enabled = false
"""


def main(folder: Path, port: int, console: tuple[str, int]) -> None:
    """Serve."""
    import bcrypt
    from ironic.command import singleprocess
    from ironic.console.container.fake import FakeConsoleContainer

    (folder / "ironic.conf").write_text(CONFIGURATION.format(folder=folder, port=port))
    digest = bcrypt.hashpw(b"vncproxy", bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text(f"vncproxy:{digest}\n")

    def start_container(*_: Any) -> tuple[str, int]:
        return console

    FakeConsoleContainer.start_container = start_container
    if (child := os.fork()) == 0:
        _make_schema(folder)
    os.waitpid(child, 0)
    sys.argv = ["ironic", "--config-file", str(folder / "ironic.conf")]
    singleprocess.main()


def _make_schema(folder: Path) -> NoReturn:
    """Make the database, in a process whose options are another program's."""
    from ironic.command import dbsync

    sys.argv = ["ironic-dbsync", "--config-file", str(folder / "ironic.conf"), "create_schema"]
    dbsync.main()
    os._exit(0)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    where, number, host, vnc = sys.argv[1:]
    main(Path(where), int(number), (host, int(vnc)))
