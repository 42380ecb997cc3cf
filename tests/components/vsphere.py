"""A vSphere for tests: govmomi's simulator, extended with console tickets (see ``vcsim/``).

Its API and inventory are real enough for pyvmomi; its machines have no screens. It is built once
and kept in the cache of the user that runs the tests.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

from .certificates import Authority
from .libvirt_host import until
from .ports import free_port

SOURCE = Path(__file__).parent / "vcsim"
USER, PASSWORD = "console@vsphere.local", "v5phere-pw"
ADDRESS = "127.0.0.2"
"""Not 127.0.0.1, where pyvmomi would verify nothing."""

ANY_HOST = "*"


@cache
def program() -> Path:
    """Build the simulator, unless that was done before."""
    sources = sorted(SOURCE.rglob("*.go"))
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:16]
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vncproxy-tests"
    built = cached / f"vcsimext-{digest}"
    if built.exists():
        return built
    if shutil.which("go") is None:
        raise FileNotFoundError("go is not installed; make test installs it")
    cached.mkdir(parents=True, exist_ok=True)
    partial = built.with_suffix(f".{os.getpid()}")
    subprocess.run(
        ["go", "build", "-o", str(partial), "vcsimext"],
        check=True,
        cwd=SOURCE,
        env={
            **os.environ,
            "GO111MODULE": "off",
            "GOFLAGS": "",
            "GOPATH": f"{SOURCE}:/usr/share/gocode",
        },
    )
    return partial.replace(built)


class VSphere:
    """A simulated vCenter, or a single ESXi host.

    Args:
        model: ``vpx`` for a vCenter with several hosts, ``esx`` for one host.
        address: where it listens, which its certificate names.
        version: of its API; tickets have ``url`` since 7.0, ``certThumbprintList`` since 7.0.3.1
            and ``sslCertificate`` since 9.0.

    Attributes:
        uuid: the vCenter's instance UUID.
        ca_file: PEM of the authority that signed its certificate.
        authority: that authority.
        fingerprint: of its certificate, SHA-256.
    """

    def __init__(self, model: str = "vpx", address: str = ADDRESS, version: str = "") -> None:
        self._model = model
        self._version = version
        self.uuid = str(uuid.uuid4()) if model == "vpx" else ""
        self._address = address
        self.folder = Path(tempfile.mkdtemp(prefix="vsphere-"))
        self.authority = Authority(self.folder)
        self.ca_file = self.authority.ca_file
        self._certificate, self._key = self.authority.issue(address, "vcenter.example")
        self.fingerprint = fingerprint(self._certificate)
        self.port = free_port()
        self._tickets = self.folder / "tickets.json"
        self.journal = self.folder / "journal"
        self.journal.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> VSphere:
        """Start it, or start it again without its logins, and wait until it answers."""
        command = [
            *(str(program()), "-model", self._model, "-listen", f"{self._address}:{self.port}"),
            *("-user", USER, "-pass", PASSWORD, "-cert", self._certificate, "-key", self._key),
            *("-uuid", self.uuid, "-version", self._version),
            *("-tickets", str(self._tickets), "-journal", str(self.journal)),
        ]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        until(lambda: "READY" in self.log(), f"vcsimext, see {self.folder}")
        return self

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it answer nothing for a while."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it; harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(60)

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Return what it has printed."""
        return (self.folder / "log").read_text(errors="replace")

    def consoles(self, **by_host: dict[str, Any]) -> None:
        """Set where tickets lead: name of an ESX host -> Host, Port and Certificate.

        Further keys are those of ``console`` in ``vcsim/``.
        """
        self._tickets.write_text(json.dumps(by_host))

    def tickets(self) -> list[dict[str, str]]:
        """Return all tickets that were given."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def table(self, **more: Any) -> dict[str, Any]:
        """Return settings of a backend for it."""
        return {
            "host": self._address,
            "port": self.port,
            "username": USER,
            "password": PASSWORD,
            "ca_file": self.ca_file,
            "timeout": 60,
            **more,
        }

    @contextmanager
    def administrator(self) -> Iterator[Any]:
        """Log in beside the backend and yield a ``vim.ServiceInstance``."""
        service = SmartConnect(
            host=self._address,
            port=self.port,
            user=USER,
            pwd=PASSWORD,
            sslContext=ssl.create_default_context(cafile=self.ca_file),
        )
        try:
            yield service
        finally:
            Disconnect(service)

    @contextmanager
    def machine(self, name: str = "") -> Iterator[Any]:
        """Yield a ``vim.VirtualMachine`` by name, or any."""
        with self.administrator() as service:
            yield next(each for each in machines(service) if name in ("", each.name))

    def any_name(self) -> str:
        """Return the name of a machine."""
        with self.machine() as machine:
            return str(machine.name)

    def set_power(self, name: str, on: bool) -> None:
        """Switch a machine."""
        with self.machine(name) as machine:
            WaitForTask(machine.PowerOn() if on else machine.PowerOff())

    def configure(self, name: str, **options: str) -> None:
        """Set extra configuration, with ``_`` for each dot: ``RemoteDisplay_vnc_port``."""
        extra = [
            vim.option.OptionValue(key=key.replace("_", "."), value=value)
            for key, value in options.items()
        ]
        with self.machine(name) as machine:
            WaitForTask(machine.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=extra)))

    def relocate(self, name: str, host: str) -> None:
        """Move a running machine to another ESX host."""
        with self.administrator() as service:
            machine = next(each for each in machines(service) if each.name == name)
            target = next(each for each in _all(service, vim.HostSystem) if each.name == host)
            WaitForTask(machine.RelocateVM_Task(vim.vm.RelocateSpec(host=target)))

    def end_logins(self) -> int:
        """End all other sessions, as an administrator can; returns how many there were."""
        with self.administrator() as service:
            sessions = service.content.sessionManager
            own = sessions.currentSession.key
            others = [each.key for each in sessions.sessionList if each.key != own]
            sessions.TerminateSession(others)
            return len(others)

    def logins(self) -> int:
        """Count the sessions besides the one of this call."""
        with self.administrator() as service:
            return len(service.content.sessionManager.sessionList) - 1


def machines(service: Any) -> list[Any]:
    """Return all ``vim.VirtualMachine`` objects."""
    return _all(service, vim.VirtualMachine)


def _all(service: Any, kind: type) -> list[Any]:
    content = service.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    return list(view.view)


def fingerprint(certificate_file: str, kind: str = "sha256") -> str:
    """Return the fingerprint of a PEM file's certificate."""
    certificate = ssl.PEM_cert_to_DER_cert(Path(certificate_file).read_text())
    return f"{kind}:{hashlib.new(kind, certificate).hexdigest()}"


@cache
def shared_vsphere(model: str = "vpx", address: str = ADDRESS, version: str = "") -> VSphere:
    """Return a simulator that the tests of this process share."""
    vsphere = VSphere(model, address, version)
    atexit.register(vsphere.remove)
    return vsphere.start()
