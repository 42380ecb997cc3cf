"""The table of an OpenNebula backend: what is refused, and messages without secrets."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.opennebula.settings import OpenNebulaSettings, split_session
from vncproxy.config.load import load
from vncproxy.errors import ConfigurationError

SESSION = "oneadmin:open:nebula"


class SettingsTests(SynchronousTestCase):
    def settings(self, **table: object) -> OpenNebulaSettings:
        return OpenNebulaSettings.model_validate({"session": SESSION, **table})

    def refused(self, **table: object) -> str:
        with self.assertRaises(ValidationError) as caught:
            self.settings(**table)
        return str(caught.exception)

    def test_the_session_alone_is_enough_beside_a_front_end(self) -> None:
        settings = self.settings()
        self.assertEqual(settings.endpoint, "http://localhost:2633/RPC2")
        self.assertEqual((settings.timeout, settings.max_hops), (5.0, 3))

    def test_the_session_comes_from_opennebulas_own_file(self) -> None:
        path = Path(self.mktemp())
        path.write_text(SESSION + "\n")
        settings = self.settings(session={"file": str(path)})
        self.assertEqual(settings.session.get_secret_value(), SESSION)
        self.assertNotIn("nebula", repr(settings).partition("session")[2])

    def test_a_session_without_user_or_password_is_refused_and_not_shown(self) -> None:
        for session in ("s3cret", "s3cret:", ":s3cret", ""):
            text = self.refused(session=session)
            self.assertIn('must be "user:password"', text)
            self.assertNotIn("s3cret", text)

    def test_without_a_session_it_says_so(self) -> None:
        with self.assertRaises(ValidationError) as caught:
            OpenNebulaSettings.model_validate({})
        self.assertIn("session", str(caught.exception))

    def test_endpoints_are_urls_of_http_without_a_password(self) -> None:
        for url in (
            "one.example.com:2634",
            "ftp://one/RPC2",
            "https:///RPC2",
            "http://user:s3cret@one/RPC2",
            "http://one:x/RPC2",
            "http://one:0/",
        ):
            for table in (
                {"endpoint": url},
                {"servers": [url]},
                {"remotes": {"h": {"endpoint": url}}},
            ):
                text = self.refused(**table)
                self.assertIn("must be the URL of OpenNebula's XML-RPC", text)
                self.assertNotIn("s3cret", text)

    def test_addresses_have_no_port_and_are_no_wildcard(self) -> None:
        for host in ("10.0.0.5:5900", "0.0.0.0", ""):
            self.assertIn("without a port", self.refused(addresses={"hv1": host}))

    def test_vcenter_is_the_name_of_a_table(self) -> None:
        self.assertEqual(self.settings(vcenter="vsphere").vcenter, "vsphere")
        for name in ("a/b", "a b"):
            self.assertIn("must be the NAME", self.refused(vcenter=name))
            self.assertIn("must be the NAME", self.refused(vcenter={"cluster1": name}))
        self.assertIn("a backend for each vCenter", self.refused(vcenter={"cluster1": ""}))

    def test_a_remote_login_is_whole_or_not_there(self) -> None:
        for half in ({"user": "guest"}, {"password": "s3cret"}):
            text = self.refused(remotes={"hybrid": half})
            self.assertIn("needs both user and password", text)
            self.assertNotIn("s3cret", text)

    def test_the_first_colon_ends_the_user(self) -> None:
        for session, user, password in (
            ("oneadmin:hunter:2", "oneadmin", "hunter:2"),
            ("serveradmin:alice:token", "serveradmin", "alice:token"),
            ("a::", "a", ":"),
        ):
            self.assertEqual(split_session(session), (user, password))
        login = {"user": "guest:x", "password": "s3cret"}
        self.assertIn("must hold no colon", self.refused(remotes={"hybrid": login}))

    def test_a_remote_password_is_in_no_repr(self) -> None:
        remotes = {"hybrid": {"user": "guest", "password": "s3cret"}}
        self.assertNotIn("s3cret", repr(self.settings(remotes=remotes)))

    def test_remotes_of_remotes(self) -> None:
        settings = self.settings(remotes={"a": {"remotes": {"b": {"vcenter": "v"}}}})
        self.assertEqual(settings.remotes["a"].remotes["b"].vcenter, "v")

    def test_a_zones_proxy_is_a_zone_and_a_backend_there(self) -> None:
        remotes = {"hybrid": {"zone_proxy": "madrid/one"}}
        self.assertEqual(self.settings(remotes=remotes).other_backends(), ["madrid"])
        for text in ("wss://console.example.com/", "madrid", "/one", "madrid/", "a b/one", 7):
            told = self.refused(remotes={"hybrid": {"zone_proxy": text}})
            self.assertIn('must be "NAME/BACKEND": a [zones.NAME], and the backend', told)
        self.assertTrue(self.settings(remotes={"hybrid": {"zone_proxy": ""}}).remotes)

    def test_the_zones_and_backends_that_a_federation_points_to(self) -> None:
        federation = {
            "zone": 0,
            "zone_proxies": {"https://console.oslo.example.com/": "oslo/one"},
            "zones": {"100": {"zone_proxy": "madrid/one"}, "tokyo": {"vcenter": "esx"}},
        }
        settings = self.settings(federation=federation)
        self.assertEqual(settings.other_backends(), ["esx", "oslo", "madrid"])
        for wrong in ({}, {"zone": ""}, {"zone": "0", "allowed": ["localhost"]}):
            self.refused(federation=wrong)
        self.refused(federation={"zone": "0", "zone_proxies": {"https://x/": ""}})

    def test_a_user_is_told_under_tls_alone(self) -> None:
        (warning,) = self.settings(vnc_username="vnc@hv1").warnings()
        self.assertIn("vnc_username does nothing without tls", warning)
        self.assertEqual([*self.settings(vnc_username="vnc@hv1", tls={}).warnings()], [])

    def test_limits(self) -> None:
        for table in ({"timeout": 0}, {"max_hops": -1}, {"max_hops": 11}, {"sesion": "x"}):
            self.refused(**table)

    def test_a_configuration_file_names_the_key_and_hides_the_value(self) -> None:
        path = Path(self.mktemp())
        path.write_text('[backends.one]\ntype = "opennebula"\nsession = "s3cret"\nserver = []\n')
        with self.assertRaises(ConfigurationError) as caught:
            load(path, lambda _kind: OpenNebulaSettings)
        text = str(caught.exception)
        self.assertIn('[backends.one] session: must be "user:password"', text)
        self.assertIn("[backends.one] server: unknown key; did you mean servers?", text)
        self.assertNotIn("s3cret", text)
