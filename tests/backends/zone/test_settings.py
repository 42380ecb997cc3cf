"""The table ``[zones.NAME]``."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.zone import ZoneSettings
from vncproxy.zones.keys import PrivateKey

KEY, OTHER = PrivateKey.new(), PrivateKey.new()
ASKING = {
    "api": "https://c.example.com:6443",
    "console": "https://c.example.com/",
    "key": KEY.secret_text(),
}
ASKED = {"accept": {"keys": [str(KEY.public)], "backends": ["kvm"]}}


class SettingsTests(SynchronousTestCase):
    def assertWrong(self, words: str, **table: Any) -> None:
        with self.assertRaisesRegex(ValidationError, words):
            ZoneSettings.model_validate(table)

    def test_a_zone_that_is_asked(self) -> None:
        settings = ZoneSettings.model_validate(ASKING)
        self.assertTrue(settings.is_asked)
        self.assertEqual(settings.private_key().id, KEY.id)
        self.assertEqual(settings.url("/v1/zones/about"), f"{ASKING['api']}/v1/zones/about")
        self.assertEqual(settings.peer("madrid").keys, ())

    def test_a_zone_that_may_ask(self) -> None:
        settings = ZoneSettings.model_validate(ASKED)
        peer = settings.peer("paris")
        self.assertFalse(settings.is_asked)
        self.assertEqual([each.key.id for each in peer.keys], [KEY.id])
        self.assertEqual((peer.name, peer.hops), ("paris", 1))

    def test_nothing_is_allowed_by_default(self) -> None:
        peer = ZoneSettings.model_validate(ASKING).peer("madrid")
        self.assertEqual((peer.keys, peer.backends), ((), frozenset()))

    def test_a_key_may_have_an_end(self) -> None:
        for text in ("1970-01-02", "1970-01-02T00:00:00Z", "1970-01-02T01:00:00+01:00"):
            accept = {"keys": [{"key": str(KEY.public), "until": text}, str(OTHER.public)]}
            peer = ZoneSettings.model_validate({"accept": accept}).peer("paris")
            self.assertEqual([each.until for each in peer.keys], [86400.0, None])

    def test_what_belongs_together_is_given_together(self) -> None:
        for missing in ASKING:
            table = {name: value for name, value in ASKING.items() if name != missing}
            self.assertWrong("api, console and key belong together", **table)
        self.assertWrong("neither api, console and key")

    def test_a_zone_that_dials_us(self) -> None:
        settings = ZoneSettings.model_validate({"dial": "them", "key": KEY.secret_text(), **ASKED})
        self.assertTrue(settings.is_asked)
        self.assertTrue(settings.dials_us)

    def test_a_zone_that_we_dial_is_asked_only_with_an_api(self) -> None:
        table = {**ASKING, **ASKED, "dial": "us"}
        self.assertTrue(ZoneSettings.model_validate(table).is_asked)
        del table["api"]
        settings = ZoneSettings.model_validate(table)
        self.assertEqual((settings.is_asked, settings.dials_us), (False, False))

    def test_both_zones_of_a_link_prove_their_keys(self) -> None:
        key, console = KEY.secret_text(), ASKING["console"]
        for dial in ("us", "them"):
            self.assertWrong("needs key and accept.keys", dial=dial, **ASKED)
            self.assertWrong("needs key and accept.keys", dial=dial, key=key, console=console)
        self.assertWrong("needs console", dial="us", key=key, **ASKED)
        self.assertWrong("cannot be dialled", dial="them", key=key, console=console, **ASKED)
        self.assertWrong("dial", dial="both", key=key, **ASKED)

    def test_zones_are_asked_over_tls_only(self) -> None:
        for url in ("http://c.example.com", "wss://c.example.com", "c.example.com", "https://"):
            self.assertWrong("api", **{**ASKING, "api": url})
        for url in ("https://u:p@c.example.com", "https://c.example.com/?x", "https://c:99999/"):
            self.assertWrong("console", **{**ASKING, "console": url})

    def test_keys_in_the_wrong_place_are_not_shown(self) -> None:
        private = KEY.secret_text()
        with self.assertRaises(ValidationError) as caught:
            ZoneSettings.model_validate({"accept": {"keys": [private]}})
        self.assertIn("is a private key", str(caught.exception))
        self.assertNotIn(private.partition(":")[2], str(caught.exception))
        self.assertWrong("is a public key", **{**ASKING, "key": str(KEY.public)})

    def test_a_secret_is_in_no_repr(self) -> None:
        settings = ZoneSettings.model_validate(ASKING)
        self.assertNotIn(KEY.secret_text(), repr(settings))

    def test_unknown_options_and_impossible_values(self) -> None:
        self.assertWrong("colour", **ASKED, colour="red")
        for name, value in (("hops", 0), ("hops", 9), ("max_duration", 0), ("until", "soon")):
            self.assertWrong(name, accept={**ASKED["accept"], name: value})
        self.assertWrong("until", accept={"keys": [{"key": str(KEY.public), "until": "soon"}]})

    def test_a_key_that_ends_soon_is_a_warning(self) -> None:
        accept = {
            "keys": [{"key": str(KEY.public), "until": "1970-02-01"}],
            "backends": ["kvm"],
        }
        settings = ZoneSettings.model_validate({"accept": accept})
        day = 86400.0
        self.assertEqual(list(settings.warnings(0.0)), [])
        (soon,) = settings.warnings(21 * day)
        self.assertIn(f"its key {KEY.id} expires in 10 days", soon)
        (over,) = settings.warnings(40 * day)
        self.assertIn("expires already", over)

    def test_a_zone_that_may_see_nothing_is_a_warning(self) -> None:
        settings = ZoneSettings.model_validate({"accept": {"keys": [str(KEY.public)]}})
        (line,) = settings.warnings(0.0)
        self.assertIn("accept.backends is empty", line)

    def test_any_certificate_is_a_warning(self) -> None:
        settings = ZoneSettings.model_validate({**ASKING, "tls": {"verify": False}})
        (line,) = settings.warnings(0.0)
        self.assertIn("tls.verify = false", line)
