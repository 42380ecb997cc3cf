"""RFB security towards real servers: QEMU and Xtigervnc, through ``twistd``, to the picture."""

from __future__ import annotations

import atexit
import hashlib
import os
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR, Guest, PrivateLibvirtd
from tests.components.pictures import wait_for_colour
from tests.components.ports import free_port
from tests.components.viewer import Colour, Refused, Viewer, tunnel
from tests.components.vnc_servers import (
    RED,
    SASL_USER,
    Identity,
    QemuMachine,
    XServer,
    sasl_folder,
)

PASSWORD = "s3cret-p"
WRONG = "n0t-right"
USER = f"vncproxy{os.getpid()}"
SASL = {"sasl-plain": "plain", "sasl-512": "scram-sha-512", "sasl-none": "gssapi"}
"""Machine -> its mechanism; there is no plug-in for the last one."""

REFUSED = "502 The hypervisor refused the connection to the console."
UNTRUSTED = "502 The hypervisor could not prove its identity."
VIOLATED = "502 The hypervisor did not answer as a console should."


class World:
    """All servers, and a proxy whose static backend has them with right and wrong settings."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="secured-"))
        self.folder.chmod(0o755)
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "right").mkdir()
        (self.folder / "other").mkdir()
        self.authority = Authority(self.folder / "right")
        self.other = Authority(self.folder / "other")
        self.identity = Identity(self.folder / "pki", self.authority, "localhost", "127.0.0.1")
        self.elsewhere = Identity(self.folder / "elsewhere", self.authority, "hv2.example.com")
        self.client = self.authority.issue("vncproxy")
        self.stranger = self.other.issue("stranger")
        self.machines = {name: self._machine(name, *how) for name, how in self._qemu().items()}
        self.displays = {kind: self._display(kind) for kind in XTIGERVNC}
        self.libvirt, self.guest = self._libvirt_with_sasl()
        for name, mechanism in SASL.items():
            self.machines[name] = self._machine_with_sasl(name, mechanism)
        self.sasl_port = int(self.guest.graphics()["port"])
        self.user_password = _user()
        self.gateway = Gateway(self._config()).start()
        atexit.register(self.gateway.stop)

    def _qemu(self) -> dict[str, tuple[list[str], str]]:
        def x509(identity: Identity, verify: str = "off") -> str:
            return (
                f"tls-creds-x509,id=t0,endpoint=server,dir={identity.folder},verify-peer={verify}"
            )

        return {
            "x509": ([x509(self.identity)], ",tls-creds=t0,websocket={websocket}"),
            "password": (
                [x509(self.identity), f"secret,id=pw,data={PASSWORD}"],
                ",tls-creds=t0,password-secret=pw",
            ),
            "clients": ([x509(self.identity, "on")], ",tls-creds=t0"),
            "elsewhere": ([x509(self.elsewhere)], ",tls-creds=t0"),
            "anonymous": (["tls-creds-anon,id=t0,endpoint=server"], ",tls-creds=t0"),
            "plain": ([], ""),
        }

    def _machine(self, name: str, objects: list[str], vnc: str) -> QemuMachine:
        machine = QemuMachine(self.folder, name, objects=objects, vnc=vnc).start()
        atexit.register(machine.stop)
        return machine

    def _display(self, kind: str) -> XServer:
        display = XServer(self.folder, kind, self.identity, PASSWORD).start()
        atexit.register(display.stop)
        return display

    def _machine_with_sasl(self, name: str, mechanism: str) -> QemuMachine:
        x509 = f"tls-creds-x509,id=t0,endpoint=server,dir={self.identity.folder},verify-peer=off"
        machine = QemuMachine(
            self.folder,
            name,
            objects=[x509],
            vnc=",tls-creds=t0,sasl=on",
            sasl=self._sasl(name, mechanism),
        ).start()
        atexit.register(machine.stop)
        return machine

    def _sasl(self, name: str, mechanisms: str) -> Path:
        return sasl_folder(self.folder / name, mechanisms, PASSWORD, self.identity)

    def _libvirt_with_sasl(self) -> tuple[PrivateLibvirtd, Guest]:
        sasl = self._sasl("sasl", "scram-sha-256 plain")
        host = PrivateLibvirtd(
            f'vnc_tls = 1\nvnc_tls_x509_cert_dir = "{self.identity.folder}"\n'
            f'vnc_sasl = 1\nvnc_sasl_dir = "{sasl}"\n'
        ).start()
        atexit.register(host.stop)
        return host, Guest(host, "sasl").start()

    def _config(self) -> str:
        tables = {**self.good(), **{key: how for key, (how, _, _) in self.bad().items()}}
        lines = "\n".join(f"{key} = {{ {how} }}" for key, how in tables.items())
        return f"""
[timeouts]
linger = 2
[backends.kvm]
type = "libvirt"
uri = "{self.libvirt.uri}"
tls = {{ ca_file = "{self.authority.ca_file}", name = "localhost" }}
username = "{SASL_USER}"
password = "{PASSWORD}"
[backends.lab]
type = "static"
[backends.lab.consoles]
{lines}
"""

    def good(self) -> dict[str, str]:
        """Return the consoles that can be shown: key -> table."""
        ca = f'ca_file = "{self.authority.ca_file}"'
        tls = f"tls = {{ {ca} }}"
        client = f'certificate_file = "{self.client[0]}", key_file = "{self.client[1]}"'
        password = f'password = "{PASSWORD}"'
        sasl = f'address = "127.0.0.1:{self.sasl_port}", username = "{SASL_USER}", {password}'
        web = self.machines["x509"].websocket
        sha256 = f'tls = {{ fingerprints = ["{self.pin("sha256")}"] }}'
        sha1 = f'tls = {{ fingerprints = ["{self.pin("sha1")}"] }}'
        own = f'tls = {{ fingerprints = ["{self.pin("sha256", "pki")}"] }}'
        return {
            "q-x509none": f"{self.at('x509')}, {tls}",
            "q-name": f'address = "localhost:{self.machines["x509"].port}", {tls}',
            "q-x509vnc": f"{self.at('password')}, {password}, {tls}",
            "q-client": f"{self.at('clients')}, tls = {{ {ca}, {client} }}",
            "q-other-name": f'{self.at("elsewhere")}, tls = {{ {ca}, name = "hv2.example.com" }}',
            "q-sha256": f"{self.at('elsewhere')}, {sha256}",
            "q-sha1": f"{self.at('elsewhere')}, {sha1}",
            "q-unverified": f"{self.at('elsewhere')}, tls = {{ verify = false }}",
            "q-anonymous": f"{self.at('anonymous')}, anonymous_tls = true",
            "q-plain": self.at("plain"),
            "q-sasl": f"{sasl}, {tls}",
            "q-sasl-plain": f'{self.at("sasl-plain")}, username = "{SASL_USER}", {password}, {tls}',
            "q-sasl-512": f'{self.at("sasl-512")}, username = "{SASL_USER}", {password}, {tls}',
            "q-wss": f'address = "wss://localhost:{web}", {tls}',
            "q-wss-pinned": f'address = "wss://127.0.0.1:{web}/", {own}',
            "x-None": self.at("None"),
            "x-VncAuth": f"{self.at('VncAuth')}, {password}",
            "x-X509None": f"{self.at('X509None')}, {tls}",
            "x-X509Vnc": f"{self.at('X509Vnc')}, {password}, {tls}",
            "x-X509Plain": f'{self.at("X509Plain")}, username = "{USER}", '
            f'password = "{self.user_password}", {tls}',
            "x-TLSNone": f"{self.at('TLSNone')}, anonymous_tls = true",
            "x-TLSVnc": f"{self.at('TLSVnc')}, {password}, anonymous_tls = true",
        }

    def bad(self) -> dict[str, tuple[str, str, str]]:
        """Return those that cannot: key -> table, the user's sentence, the log's detail."""
        ca = f'ca_file = "{self.authority.ca_file}"'
        tls = f"tls = {{ {ca} }}"
        wrong_ca = f'tls = {{ ca_file = "{self.other.ca_file}" }}'
        stranger = f'certificate_file = "{self.stranger[0]}", key_file = "{self.stranger[1]}"'
        wrong = f'password = "{WRONG}"'
        sasl = f'address = "127.0.0.1:{self.sasl_port}", {wrong}'
        web = self.machines["x509"].websocket
        return {
            "b-no-tls-here": (self.at("x509"), REFUSED, "configure tls"),
            "b-no-tls-there": (
                f"{self.at('plain')}, {tls}",
                UNTRUSTED,
                "TLS (VeNCrypt) is demanded",
            ),
            "b-vnc-only": (f"{self.at('VncAuth')}, {wrong}, {tls}", UNTRUSTED, "VncAuth (2)"),
            "b-anonymous": (f"{self.at('anonymous')}, {tls}", UNTRUSTED, "TLSNone (257)"),
            "b-authority": (
                f"{self.at('x509')}, {wrong_ca}",
                UNTRUSTED,
                "another one of the same name",
            ),
            "b-system": (f"{self.at('x509')}, tls = {{}}", UNTRUSTED, "the system's authorities"),
            "b-name": (f"{self.at('elsewhere')}, {tls}", UNTRUSTED, "but for hv2.example.com"),
            "b-pin": (
                f'{self.at("x509")}, tls = {{ fingerprints = ["{self.pin("sha256")}"] }}',
                UNTRUSTED,
                f"presented 'CN=localhost' with {self.pin('sha256', 'pki')}",
            ),
            "b-no-client": (f"{self.at('clients')}, {tls}", REFUSED, "client certificate"),
            "b-stranger": (
                f"{self.at('clients')}, tls = {{ {ca}, {stranger} }}",
                REFUSED,
                "client certificate",
            ),
            "b-no-password": (f"{self.at('password')}, {tls}", REFUSED, "none is configured"),
            "b-password": (
                f"{self.at('password')}, {wrong}, {tls}",
                REFUSED,
                "authentication failed",
            ),
            "b-x-password": (
                f"{self.at('X509Vnc')}, {wrong}, {tls}",
                REFUSED,
                "authentication failed",
            ),
            "b-x-user": (
                f'{self.at("X509Plain")}, username = "{USER}", {wrong}, {tls}',
                REFUSED,
                "authentication failed",
            ),
            "b-x-nobody": (f"{self.at('X509Plain')}, {tls}", REFUSED, "configure username"),
            "b-x-unverified": (
                f'{self.at("X509Plain")}, username = "{USER}", {wrong}, tls = {{ verify = false }}',
                UNTRUSTED,
                "verified server only",
            ),
            "b-sasl": (f'{sasl}, username = "{SASL_USER}", {tls}', REFUSED, "user@realm"),
            "b-sasl-plain": (
                f'{self.at("sasl-plain")}, username = "{SASL_USER}", {wrong}, {tls}',
                REFUSED,
                "user@realm",
            ),
            "b-sasl-plain-unverified": (
                f'{self.at("sasl-plain")}, username = "{SASL_USER}", {wrong}, '
                "tls = { verify = false }",
                UNTRUSTED,
                "SASL mechanism PLAIN only",
            ),
            "b-sasl-none": (
                f'{self.at("sasl-none")}, username = "{SASL_USER}", {wrong}, {tls}',
                REFUSED,
                "may lack the plug-in of the mechanisms",
            ),
            "b-sasl-nobody": (f"{sasl}, {tls}", REFUSED, "configure username"),
            "b-wss-authority": (
                f'address = "wss://localhost:{web}", {wrong_ca}',
                UNTRUSTED,
                "another one of the same name",
            ),
            "b-wss-path": (
                f'address = "wss://localhost:{web}/t1cket-s3cret", {tls}',
                REFUSED,
                "web socket answered with HTTP/1.1 404",
            ),
            "b-wss-rfb": (
                f'address = "wss://127.0.0.1:{self.machines["plain"].port}", {tls}',
                VIOLATED,
                "does not speak TLS",
            ),
            "b-tls-away": (
                f'address = "tls://127.0.0.1:{free_port()}", {tls}',
                "502 The hypervisor could not be reached.",
                "refused",
            ),
        }

    def at(self, server: str) -> str:
        """Return the key ``address`` of a server."""
        ports = {name: each.port for name, each in self.machines.items()}
        ports |= {kind: each.port for kind, each in self.displays.items()}
        return f'address = "127.0.0.1:{ports[server]}"'

    def pin(self, algorithm: str, folder: str = "elsewhere") -> str:
        """Return a server certificate's fingerprint."""
        pem = (self.folder / folder / "server-cert.pem").read_text()
        return f"{algorithm}:{hashlib.new(algorithm, ssl.PEM_cert_to_DER_cert(pem)).hexdigest()}"


XTIGERVNC = ("None", "VncAuth", "X509None", "X509Vnc", "X509Plain", "TLSNone", "TLSVnc")

world = cache(World)


def _user() -> str:
    """Make an account for X509Plain, which PAM checks; returns its password."""
    password = secrets.token_urlsafe(12)
    subprocess.run(["useradd", "--no-create-home", USER], check=True, capture_output=True)
    atexit.register(subprocess.run, ["userdel", USER], capture_output=True)
    subprocess.run(["chpasswd"], input=f"{USER}:{password}".encode(), check=True)
    return password


class SecuredConsoleTests(SynchronousTestCase):
    maxDiff = None
    timeout = 120

    def setUp(self) -> None:
        self.gateway = world().gateway

    def tearDown(self) -> None:
        log = self.gateway.log()
        for secret in (PASSWORD, WRONG, world().user_password, "t1cket", self.gateway.key):
            self.assertNotIn(secret, log)
        self.assertNotIn("Traceback", log)

    def see(self, vm: str, colour: Colour) -> None:
        token = self.gateway.issue(vm)["token"]
        viewer = Viewer.connect(self.gateway.web_port, token)
        try:
            viewer.wait_for_pixel(colour)
        finally:
            viewer.close()

    def refusal(self, key: str) -> tuple[str, str]:
        """Return a viewer's status line, and what the audit line says."""
        token = self.gateway.issue(f"lab/{key}", type="xvpvnc")["token"]
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={token}")
        cause: str = self.gateway.audit_of("refuse", token=token)["detail"]
        return str(caught.exception), cause

    def test_every_console_that_is_configured_rightly_is_shown(self) -> None:
        for key in world().good():
            with self.subTest(console=key):
                self.see(f"lab/{key}", RED if key.startswith("x-") else START_COLOUR)

    def test_screenshots_of_them(self) -> None:
        for key in world().good():
            with self.subTest(console=key):
                colour = RED if key.startswith("x-") else START_COLOUR
                wait_for_colour(self.gateway, f"lab/{key}", colour)
        wait_for_colour(self.gateway, f"kvm/{world().guest.name}", START_COLOUR)

    def test_every_other_one_is_refused_in_words(self) -> None:
        wrong = {}
        for key, (_, public, detail) in world().bad().items():
            told, cause = self.refusal(key)
            if not told.startswith(public) or detail not in cause:
                wrong[key] = (told, cause)

        self.assertEqual(wrong, {})

    def test_a_machine_of_libvirts_whose_hypervisor_has_tls_and_users(self) -> None:
        self.see(f"kvm/{world().guest.name}", START_COLOUR)

    def test_servers_that_are_not_verified_are_warned_of_at_start(self) -> None:
        log = self.gateway.log()
        self.assertIn("backend lab: q-unverified: tls.verify = false accepts", log)
        self.assertIn("backend lab: q-anonymous: anonymous_tls accepts", log)

    def test_check_config_warns_of_them_too(self) -> None:
        vncproxy = str(Path(sys.executable).with_name("vncproxy"))
        command = [vncproxy, "check-config", "--config", str(self.gateway.config)]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        self.assertIn("warn  backend lab: q-unverified: tls.verify = false accepts", told)
        self.assertIn("warn  backend lab: q-anonymous: anonymous_tls accepts", told)
        self.assertNotIn(PASSWORD, told)
