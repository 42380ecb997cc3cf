from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.checks import values
from vncproxy.checks.finding import Finding
from vncproxy.checks.values import check_values
from vncproxy.settings import API, APIKey, Log, Public, Settings


def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in check_values(settings)}


def of_base_url(url: str) -> Finding:
    return findings(Settings(public=Public(base_url=url)))["public.base_url"]


class PublicTests(SynchronousTestCase):
    def test_https_is_good(self) -> None:
        finding = of_base_url("https://console.example.com/")
        self.assertTrue(finding.ok and not finding.warning)

    def test_http_is_good_on_loopback_alone(self) -> None:
        for host, warns in {
            "127.0.0.1": False,
            "localhost": False,
            "[::1]": False,
            "10.0.0.1": True,
            "console.example.com": True,
        }.items():
            with self.subTest(host=host):
                self.assertEqual(of_base_url(f"http://{host}/").warning, warns)

    def test_a_wildcard_address_is_a_warning(self) -> None:
        for host in ("0.0.0.0", "[::]"):
            with self.subTest(host=host):
                finding = of_base_url(f"https://{host}/")
                self.assertTrue(finding.ok and finding.warning)
                self.assertIn("is where one listens", finding.text)

    def test_the_viewers_url_is_looked_at_too(self) -> None:
        settings = Settings(public=Public(xvp_url="http://example.com:6081/console"))
        self.assertTrue(findings(settings)["public.xvp_url"].warning)


class KeyTests(SynchronousTestCase):
    def test_no_keys_are_a_warning(self) -> None:
        finding = findings(Settings())["api.keys"]
        self.assertTrue(finding.ok and finding.warning)

    def test_keys_are_counted(self) -> None:
        key = APIKey(hash="sha256:" + "0" * 64, scopes=frozenset({"issue"}))
        finding = findings(Settings(api=API(keys={"portal": key})))["api.keys"]
        self.assertEqual(str(finding), "ok    api.keys: 1 configured")


class PageTests(SynchronousTestCase):
    def page(self, installed: bool) -> Finding:
        with patch.object(values, "novnc_installed", return_value=installed):
            return findings(Settings())["page"]

    def test_an_installed_page_is_good(self) -> None:
        self.assertTrue(self.page(True).ok)

    def test_a_missing_page_fails(self) -> None:
        self.assertFalse(self.page(False).ok)


class AuditTests(SynchronousTestCase):
    def audit(self, path: str) -> Finding:
        return findings(Settings(log=Log(audit=path)))["log.audit"]

    def test_none_means_the_ordinary_log(self) -> None:
        self.assertEqual(self.audit("").text, "audit lines go to the ordinary log")

    def test_a_file_that_can_be_made_is_good_and_not_made(self) -> None:
        path = Path(self.mktemp())
        self.assertTrue(self.audit(str(path)).ok)
        self.assertFalse(path.exists())

    def test_a_file_that_is_there_is_good(self) -> None:
        path = Path(self.mktemp())
        path.touch()
        self.assertTrue(self.audit(str(path)).ok)

    def test_a_folder_that_is_missing_fails_and_is_named(self) -> None:
        finding = self.audit("/nowhere/audit.log")
        self.assertFalse(finding.ok)
        self.assertEqual(finding.advice, "let the proxy write to /nowhere")

    def test_a_folder_in_its_place_fails(self) -> None:
        path = Path(self.mktemp())
        path.mkdir()
        self.assertEqual(self.audit(str(path)).text, f"{path} is a directory")
