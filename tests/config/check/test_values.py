from __future__ import annotations

from pathlib import Path
from time import time
from typing import Any
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.check import values
from vncproxy.config.check.finding import Finding
from vncproxy.config.check.values import check_values
from vncproxy.config.login import Login
from vncproxy.config.scope import Scope
from vncproxy.config.settings import (
    API,
    APIKey,
    Listen,
    Log,
    Peer,
    Proxy,
    Public,
    Settings,
    Tokens,
)


def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in check_values(settings)}


def of_base_url(url: str) -> Finding:
    return findings(Settings(public=Public(base_url=url)))["public.base_url"]


class FrameTests(SynchronousTestCase):
    def of(self, base_url: str, *origins: str) -> list[str]:
        public = Public(base_url=base_url, allowed_origins=origins)
        found = check_values(Settings(public=public))
        return [finding.text for finding in found if finding.what == "public.allowed_origins"]

    def test_over_https_every_portal_gets_its_cookie(self) -> None:
        origins = ("https://portal.test", "http://portal.test", "https://*.apps.example.com")

        self.assertEqual(self.of("https://console.example.com/", *origins), [])

    def test_over_http_another_site_gets_none(self) -> None:
        base = "http://console.example.com/"

        self.assertEqual(self.of(base, "http://portal.example.com"), [])
        for origin in ("http://portal.test", "https://portal.example.com", "http://192.0.2.1"):
            (text,) = self.of(base, origin)
            self.assertIn(f"{origin} is another site, and base_url is http", text)

    def test_an_ipv6_address_frames_nothing(self) -> None:
        for origin in ("https://[::1]", "https://[::1]:8443"):
            (text,) = self.of("https://console.example.com/", origin)
            self.assertIn("no IPv6 address", text)


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


class NativeViewersTests(SynchronousTestCase):
    def test_listener_and_address_belong_together(self) -> None:
        for address, listens, expected in (
            ("", False, []),
            ("c.example.com:5900", False, [True]),
            ("", True, [True]),
            ("c.example.com:5900", True, [False]),
        ):
            listen = Listen(rfb_certificate="/c.pem", rfb=("tcp:5900",) if listens else ())
            settings = Settings(public=Public(rfb_address=address), listen=listen)
            found = [each for each in check_values(settings) if each.what == "public.rfb_address"]
            self.assertEqual([each.warning for each in found], expected)


class ServedTests(SynchronousTestCase):
    def warned(self, url: str, *web: str, **public: Any) -> list[str]:
        settings = Settings(
            public=Public(base_url=url, xvp_url="http://127.0.0.1:6081/console", **public),
            listen=Listen(web=web),
        )
        return [
            finding.text
            for finding in check_values(settings)
            if finding.warning and "leads to" in finding.text
        ]

    def test_a_url_that_no_listener_serves_is_a_warning(self) -> None:
        for url, web, port in (
            (
                "https://c.example.com/",
                "tcp:6080",
                "443, and nothing in [listen] serves that port ",
            ),
            ("https://c.example.com/", "tcp:443", "443, and nothing"),
            ("https://c.example.com:8443/", "ssl:443", "8443"),
            ("http://127.0.0.1:6080/", "tcp:7000", "6080"),
            ("http://127.0.0.1/", "ssl:80", "80"),
        ):
            (text,) = self.warned(url, web)

            self.assertIn(f"leads to port {port}", text)

    def test_a_url_that_one_serves_is_none(self) -> None:
        for url, web in (
            ("https://c.example.com/", "ssl:443"),
            ("http://127.0.0.1:6080/", "tcp:6080"),
            ("http://[::1]:6080/x/", "tcp6:port=6080"),
        ):
            self.assertEqual(self.warned(url, "tcp:1", web), [])

    def test_behind_a_balancer_nothing_is_known(self) -> None:
        url = "https://c.example.com/"
        for web in ("haproxy:tcp:6080", "unix:/run/vncproxy/web", "systemd:domain=INET:index=0"):
            self.assertEqual(self.warned(url, web), [])
        self.assertEqual(self.warned(url, "tcp:6080", trusted_proxies=("10.0.0.0/8",)), [])

    def test_the_viewers_url_is_served_by_both_kinds_of_listeners(self) -> None:
        def texts(port: int) -> list[str]:
            url = f"http://127.0.0.1:{port}/console"
            found = check_values(Settings(public=Public(xvp_url=url)))
            return [each.text for each in found if "leads to" in each.text]

        self.assertEqual((texts(6080), texts(6081)), ([], []))
        self.assertEqual(len(texts(5900)), 1)


class KeyTests(SynchronousTestCase):
    def test_no_keys_are_a_warning(self) -> None:
        finding = findings(Settings())["api.keys"]
        self.assertTrue(finding.ok and finding.warning)

    def test_keys_are_counted(self) -> None:
        key = APIKey(hash=("sha256:" + "0" * 64,), scopes=frozenset({Scope.ISSUE}))
        finding = findings(Settings(api=API(keys={"portal": key})))["api.keys"]
        self.assertEqual(str(finding), "ok    api.keys: 1 configured")

    def test_a_key_that_ends_soon_is_a_warning(self) -> None:
        for expires, words in ((time() + 5.1 * 86400, "in 5 days"), (time() - 1, "already")):
            key = APIKey(
                hash=("sha256:" + "0" * 64,), scopes=frozenset({Scope.ISSUE}), expires=expires
            )
            finding = findings(Settings(api=API(keys={"portal": key})))["api.keys.portal"]
            self.assertTrue(finding.ok and finding.warning)
            self.assertIn(words, str(finding))


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


class PeerTests(SynchronousTestCase):
    def of(self, peers: bool = True, **changes: Any) -> str:
        table = {"node1": Peer(api="https://node1:6443", key="k")} if peers else {}  # type: ignore[arg-type]
        found = findings(Settings(peers=table, **changes)).get("peers")
        return "" if found is None else found.text

    def test_links_at_peers_are_known_to_one_process(self) -> None:
        several: dict[str, Any] = {"proxy": Proxy(workers=4), "tokens": Tokens(store="redis")}
        self.assertEqual(self.of(), "")
        self.assertEqual(self.of(peers=False, **several), "")
        self.assertIn("only by the process, of 4 workers, that", self.of(**several))
        shared = self.of(tokens=Tokens(store="redis"))
        self.assertIn("only by the process, of the proxies that share a Redis, that", shared)


class LoginTests(SynchronousTestCase):
    def of(self, **login: Any) -> dict[str, str]:
        public = Public(base_url="https://console.example.com/")
        found = findings(Settings(public=public, login=Login.model_validate(login)))
        return {what: each.text for what, each in found.items() if what.startswith("login")}

    def test_logins_that_lead_to_nothing(self) -> None:
        provider = {"issuer": "https://id.example", "client_id": "x"}
        policies = [{"groups": ["staff"]}]

        self.assertIn("neither see machines", self.of(**provider)["login"])
        self.assertEqual(self.of(**provider, required=True), {})
        self.assertEqual(self.of(**provider, policies=policies), {})
        self.assertEqual(self.of(policies=policies), {"login.policies": "no user can log in"})
        self.assertEqual(self.of(), {})

    def test_users_that_may_take_the_name_of_another(self) -> None:
        found = self.of(
            issuer="https://id.example",
            client_id="x",
            required=True,
            user_claim="preferred_username",
        )

        self.assertIn("let users change it", found["login.user_claim"])
