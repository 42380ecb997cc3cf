"""Real VNC servers without a hypervisor's API: QEMU by itself, and Xtigervnc."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .certificates import Authority
from .displays import new_display
from .libvirt_host import boot_sector, until
from .ports import free_port

DISPLAY_BASE = 5900
RED = (255, 0, 0)
SASL_USER = "fred@localhost"
"""The user that `sasl_folder` makes."""


class Identity:
    """A folder as QEMU wants it: authority, certificate and key under fixed names.

    Args:
        folder: is made.
        authority: issues the certificate, and is trusted for those of clients.
        names: of the certificate.
    """

    def __init__(self, folder: Path, authority: Authority, *names: str) -> None:
        self.folder = folder
        folder.mkdir()
        certificate, key = authority.issue(*names)
        for source, target in (
            (authority.ca_file, "ca-cert.pem"),
            (certificate, "server-cert.pem"),
            (key, "server-key.pem"),
        ):
            shutil.copy(source, folder / target)
        self.certificate = str(folder / "server-cert.pem")
        self.key = str(folder / "server-key.pem")


def sasl_folder(folder: Path, mechanisms: str, password: str, identity: Identity) -> Path:
    """Make a folder with SASL's configuration of QEMU, and `SASL_USER` with a password."""
    folder.mkdir()
    database = folder / "passwd.db"
    words = ["-p", "-f", str(database), "-a", "qemu", "-u", "localhost", "fred"]
    subprocess.run(["saslpasswd2", *words], input=password.encode(), check=True)
    (folder / "qemu.conf").write_text(
        f"mech_list: {mechanisms}\n"
        f"sasldb_path: {database}\npwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
    )
    for path in (folder, *folder.iterdir(), identity.folder, *identity.folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def typing_sector() -> bytes:
    """Return a floppy image that shows each typed character, and writes it to the serial line."""
    setup = bytes.fromhex("31c0 8ed8 8ed0 bc007c fb b80300 cd10")
    wait_for_key = bytes.fromhex("30e4 cd16 84c0 74f8 bb0700 b40e cd10")
    send = bytes.fromhex("50 bafd03 ec a820 74fb 58 baf803 ee")
    again = bytes([0xEB, -(len(wait_for_key) + len(send) + 2) & 0xFF])
    code = (setup + wait_for_key + send + again).ljust(510, b"\0") + b"\x55\xaa"
    return code.ljust(1474560, b"\0")


def scancode_sector() -> bytes:
    """Return a floppy image that writes each byte of the keyboard to the serial line.

    Its own handler of the keyboard's interrupt does so; the processor sleeps in between.
    """
    setup = bytes.fromhex("31c0 8ed8 8ed0 bc007c fa c7062400 1a7c c7062600 0000 fb")
    sleep = bytes.fromhex("f4 ebfd")
    handler = bytes.fromhex("50 52 e460 50 bafd03 ec a820 74fb 58 baf803 ee b020 e620 5a 58 cf")
    code = (setup + sleep + handler).ljust(510, b"\0") + b"\x55\xaa"
    return code.ljust(1474560, b"\0")


class QemuMachine:
    """A guest that shows `START_COLOUR`, in a QEMU without libvirt.

    Args:
        folder: where its files go.
        name: of its files there.
        objects: its ``-object`` words.
        vnc: what is appended to its ``-vnc`` word; ``{websocket}`` is a free port.
        sasl: folder with ``qemu.conf``, for machines whose users log in.
        sector: its floppy, if it is to run something else.
        more: further words of its command line.

    Attributes:
        typed_file: what the guest has written to its serial line.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        objects: Sequence[str] = (),
        vnc: str = "",
        sasl: Path | None = None,
        sector: bytes = b"",
        more: Sequence[str] = (),
    ) -> None:
        self.typed_file = folder / f"{name}.serial"
        self._environment = {**os.environ, **({"SASL_CONF_PATH": str(sasl)} if sasl else {})}
        self.port, self.websocket = free_port(), free_port()
        image = folder / f"{name}.img"
        image.write_bytes(sector or boot_sector())
        self._log = folder / f"{name}.log"
        self._command = [
            *("qemu-system-x86_64", "-accel", "tcg", "-m", "16", "-nodefaults", "-vga", "std"),
            *("-name", name, "-drive", f"if=floppy,format=raw,file={image},readonly=on"),
            *("-serial", f"file:{self.typed_file}"),
            *(word for each in objects for word in ("-object", each)),
            *more,
            "-vnc",
            f"127.0.0.1:{self.port - DISPLAY_BASE}{vnc.format(websocket=self.websocket)}",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> QemuMachine:
        """Run it until its console listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=self._environment
            )
        until(lambda: listens(self.port), f"QEMU: {self._log.read_text()}")
        return self

    def typed(self) -> str:
        """Return what the guest's keyboard has received."""
        return self.typed_file.read_text()

    def stop(self) -> None:
        """End it."""
        end(self._process)


class XServer:
    """An Xtigervnc whose whole screen is red.

    Args:
        folder: where its files go.
        kind: its one security type, as TigerVNC spells it.
        identity: its certificate.
        password: for VNC authentication.
        more: further options.

    Attributes:
        display: its number as an X display, once it runs.
    """

    display = ""

    def __init__(
        self, folder: Path, kind: str, identity: Identity, password: str, *more: str
    ) -> None:
        self.port = free_port()
        self._log = folder / f"{kind}.log"
        passwords = folder / f"{kind}.passwd"
        obscured = subprocess.run(
            ["vncpasswd", "-f"], input=password.encode(), capture_output=True, check=True
        )
        passwords.touch(mode=0o600)
        passwords.write_bytes(obscured.stdout)
        self._command = [
            *(
                "Xtigervnc",
                f":{new_display()}",
                "-displayfd",
                "1",
                "-rfbport",
                str(self.port),
                "-localhost",
                "yes",
            ),
            *("-geometry", "640x400", "-depth", "24", "-nolisten", "tcp", "-AlwaysShared"),
            *("-SecurityTypes", kind, "-PasswordFile", str(passwords)),
            *("-X509Cert", identity.certificate, "-X509Key", identity.key),
            *("-PlainUsers", "*", "-PAMService", "login"),
            *more,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> XServer:
        """Run it, and paint its screen."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        with self._process.stdout as told:
            display = told.readline().decode().strip()
        self.display = display
        if not display:
            raise RuntimeError(f"Xtigervnc did not start:\n{self._log.read_text()}")
        subprocess.run(
            ["xsetroot", "-solid", "#ff0000"],
            env={**os.environ, "DISPLAY": f":{display}"},
            check=True,
        )
        return self

    def log(self) -> str:
        """Return what it has printed."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """End it."""
        end(self._process)


def listens(port: int) -> bool:
    """Return whether a port has a listener; a connection would count as a viewer."""
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    wanted = f"0100007F:{port:04X}"
    return any(line.split()[1] == wanted and line.split()[3] == "0A" for line in table)


def end(process: subprocess.Popen[bytes] | None) -> None:
    """End a process, and wait until it is gone."""
    if process is None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
