"""The files in etc/ for other programs are accepted by those programs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from vncproxy.cli.systemd_unit import unit_text
from vncproxy.config.settings import Settings
from vncproxy.service.gateway import longest_stop

ETC = Path(__file__).parents[2] / "etc"
TIME_LIMIT = 60


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; one that is not installed is an error."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )


class EtcCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def copy(self, name: str, replacements: dict[str, str]) -> Path:
        """Copy a file with parts replaced, each of which must be in it."""
        text = (ETC / name).read_text()
        for old, new in replacements.items():
            self.assertRegex(text, old)
            text = re.sub(old, new, text)
        path = self.folder / name
        path.write_text(text)
        return path

    def certificate(self) -> tuple[str, str]:
        return Authority(self.folder).issue("console.example.com")


class SystemdTests(EtcCase):
    def unit(self, replacements: dict[str, str]) -> Path:
        programs = {r"/opt/vncproxy/bin/(vncproxy|twistd)\b": "/bin/true"}
        return self.copy("vncproxy.service", programs | replacements)

    def verify(self, unit: Path) -> str:
        """Return the complaints; the exit status is 0 even when there are some."""
        return run("systemd-analyze", "verify", str(unit)).stdout

    def test_the_unit_is_accepted_without_complaint(self) -> None:
        self.assertEqual(self.verify(self.unit({})), "")

    def test_so_is_what_setup_makes_of_it(self) -> None:
        path = self.folder / "vncproxy.service"
        path.write_text(unit_text(Path("/etc/vncproxy/vncproxy.toml"), {"redis": path}))
        self.assertEqual(self.verify(path), "")

    def test_a_complaint_would_be_seen(self) -> None:
        self.assertIn("PrivateTpm", self.verify(self.unit({"PrivateTmp": "PrivateTpm"})))

    def test_the_socket_unit_is_accepted_beside_the_service(self) -> None:
        self.unit({})
        self.assertEqual(self.verify(self.copy("vncproxy.socket", {})), "")

        spoilt = self.copy("vncproxy.socket", {"ListenStream": "ListenSteam"})
        self.assertIn("ListenSteam", self.verify(spoilt))

    def test_the_exposure_is_low(self) -> None:
        report = run(
            "systemd-analyze", "security", "--offline=true", "--threshold=20", str(self.unit({}))
        )
        self.assertEqual(report.returncode, 0, report.stdout[-500:])

    def test_it_waits_for_the_longest_stop(self) -> None:
        (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", self.text(), re.MULTILINE)

        longest = longest_stop(Settings())
        self.assertGreater(int(seconds), longest + 5)
        self.assertIn(f"takes {longest:g} seconds at most", self.text())

    def text(self) -> str:
        return (ETC / "vncproxy.service").read_text()

    def test_it_starts_what_the_package_installs(self) -> None:
        programs = re.findall(r"/opt/vncproxy/bin/(\w+)", (ETC / "vncproxy.service").read_text())
        self.assertEqual(programs, ["vncproxy", "twistd"])


class HAProxyTests(EtcCase):
    def check(self, replacements: dict[str, str]) -> subprocess.CompletedProcess[str]:
        pem = self.folder / "both.pem"
        pem.write_bytes(b"".join(Path(part).read_bytes() for part in self.certificate()))
        path = self.copy("haproxy.cfg", replacements)
        return run("env", f"CERTIFICATE={pem}", "haproxy", "-c", "-f", str(path))

    def test_the_example_is_accepted_without_a_warning(self) -> None:
        checked = self.check({})
        self.assertEqual((checked.returncode, checked.stdout), (0, "Configuration file is valid\n"))

    def test_a_mistake_would_be_seen(self) -> None:
        self.assertNotEqual(self.check({"timeout tunnel": "timeout tunel"}).returncode, 0)


class NginxTests(EtcCase):
    def check(self, replacements: dict[str, str]) -> subprocess.CompletedProcess[str]:
        certificate, key = self.certificate()
        example = self.copy(
            "nginx.conf",
            {
                r"/etc/nginx/console\.pem": certificate,
                r"/etc/nginx/console\.key": key,
                "/var/log/nginx/": f"{self.folder}/",
            }
            | replacements,
        )
        whole = self.folder / "whole.conf"
        whole.write_text(f"pid {self.folder}/pid;\nevents {{}}\nhttp {{ include {example}; }}\n")
        return run("nginx", "-t", "-p", str(self.folder), "-c", str(whole))

    def test_the_example_is_accepted_without_a_warning(self) -> None:
        checked = self.check({})
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertNotIn("[warn]", checked.stdout)

    def test_a_mistake_would_be_seen(self) -> None:
        self.assertNotEqual(self.check({"proxy_buffering": "proxy_bufering"}).returncode, 0)
