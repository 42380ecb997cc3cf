from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.keyboard import Key
from vncproxy.keyboard.messages import ANNOUNCE, ASK, key_message

DELETE = Key(0xD3, 0xFFFF)


class MessageTests(SynchronousTestCase):
    def test_a_key_event(self) -> None:
        pressed = key_message(DELETE, down=True, codes=False)
        self.assertEqual(pressed, bytes.fromhex("0401 0000 0000ffff"))
        released = key_message(DELETE, down=False, codes=False)
        self.assertEqual(released, bytes.fromhex("0400 0000 0000ffff"))

    def test_an_extended_key_event_of_qemu(self) -> None:
        message = key_message(DELETE, down=True, codes=True)
        self.assertEqual(message, bytes.fromhex("ff00 0001 0000ffff 000000d3"))

    def test_raw_and_extended_keys_are_announced(self) -> None:
        self.assertEqual(ANNOUNCE, bytes.fromhex("0200 0002 00000000 fffffefe"))

    def test_one_pixel_is_asked_for(self) -> None:
        self.assertEqual(ASK, bytes.fromhex("0300 0000 0000 0001 0001"))
