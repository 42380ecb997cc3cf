"""Keys of zones as lines of text."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.zones.keys import PrivateKey, PublicKey


class KeyTests(SynchronousTestCase):
    def test_both_keys_are_read_as_they_are_written(self) -> None:
        key = PrivateKey.new()
        self.assertEqual(PrivateKey.parse(key.secret_text()).id, key.id)
        self.assertEqual(str(PublicKey.parse(str(key.public))), str(key.public))
        self.assertEqual(PublicKey.parse(str(key.public)).id, key.id)

    def test_a_private_key_has_one_public_key(self) -> None:
        # RFC 8032 section 7.1, test 1
        private = "zone-private:nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
        public = "zone-public:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        self.assertEqual(str(PrivateKey.parse(private).public), public)

    def test_a_private_key_is_not_shown(self) -> None:
        key = PrivateKey.new()
        self.assertNotIn(key.secret_text().partition(":")[2], repr(key))

    def test_one_in_the_place_of_the_other_is_refused_with_the_reason(self) -> None:
        key = PrivateKey.new()
        with self.assertRaisesRegex(ValueError, "is a private key"):
            PublicKey.parse(key.secret_text())
        with self.assertRaisesRegex(ValueError, "is a public key"):
            PrivateKey.parse(str(key.public))

    def test_what_is_no_key_is_refused_and_not_shown(self) -> None:
        for text in ("", "horse", "zone-public:", "zone-public:AAAA", "zone-public:" + "*" * 43):
            with self.subTest(text=text), self.assertRaises(ValueError) as caught:
                PublicKey.parse(text)
            self.assertNotIn("horse", str(caught.exception))

    def test_a_key_that_is_read_twice_is_equal_and_another_one_is_not(self) -> None:
        key, other = PrivateKey.new(), PrivateKey.new()
        self.assertEqual(len({key, PrivateKey.parse(key.secret_text()), other}), 2)
        self.assertEqual(len({key.public, PublicKey.parse(str(key.public)), other.public}), 2)
