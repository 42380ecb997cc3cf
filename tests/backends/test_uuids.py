"""Which texts are UUIDs, and which are names that only look like one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.uuids import WITH_DASHES, uuid_of

UUID = "1a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc"


class UUIDTests(SynchronousTestCase):
    def test_every_form_becomes_one(self) -> None:
        for text in (UUID, UUID.upper(), UUID.replace("-", "")):
            self.assertEqual(uuid_of(text), UUID)

    def test_a_form_that_does_not_count_is_a_name(self) -> None:
        self.assertEqual(uuid_of(UUID.replace("-", ""), (WITH_DASHES,)), "")

    def test_other_texts_are_names(self) -> None:
        for text in ("", "web-01", f"{{{UUID}}}", f"urn:uuid:{UUID}", "z" * 32):
            self.assertEqual(uuid_of(text), "")
