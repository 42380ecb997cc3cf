"""A viewer whose user may control the machine no more, or again, while its session is open."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.doubles.viewer_messages import (
    EXTENDED_CLIPBOARD,
    FENCE,
    KEY,
    NOTIFY,
    POINTER,
    QEMU_KEY,
    REQUEST_UPDATE,
    SIZE,
    TEXT,
    caps,
    cut_text,
    extended,
    provide,
    server_cut_text,
    set_encodings,
)
from vncproxy.filters import stage_of_viewer, stages_for
from vncproxy.filters.held import MOST_KEYS
from vncproxy.interfaces import IStage, IViewerStage
from vncproxy.model import Clipboard, Mode, Policy, Sharing
from vncproxy.testing import SERVER_INIT

KEY_UP = bytes.fromhex("04 00 0000 00000041")
QEMU_KEY_UP = bytes.fromhex("ff 00 0000 00000061 0000001e")
POINTER_UP = bytes.fromhex("05 00 0010 0020")
NO_OFFER = extended(NOTIFY)
OFFER = extended(NOTIFY | TEXT)
CONTROL_ENCODINGS = (-258, -259, -305, -309)


def key(keysym: int, down: int = 1) -> bytes:
    return bytes([4, down, 0, 0]) + keysym.to_bytes(4, "big")


class ChangingTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.begin()

    def begin(self, mode: Mode = Mode.CONTROL, **policy: object) -> None:
        policy = {"mode": mode, **policy}
        self.stages = stages_for(Policy(**policy), SERVER_INIT, check=True)  # type: ignore[arg-type]
        stage = stage_of_viewer(self.stages)
        assert stage is not None
        self.stage = stage

    def take(self) -> bytes:
        return self.stage.set_view_only(True)

    def give(self) -> bytes:
        return self.stage.set_view_only(False)


class TakenAwayTests(ChangingTestCase):
    def test_it_is_a_stage_that_can_change(self) -> None:
        verifyObject(IViewerStage, self.stage)
        verifyObject(IStage, self.stage)

    def test_what_controls_the_machine_passes_no_more_and_then_again(self) -> None:
        passed = []
        for change in (self.take, self.give, self.take):
            passed.append(self.stage.process(KEY + KEY_UP + REQUEST_UPDATE))
            change()

        self.assertEqual(passed, [passed[0], REQUEST_UPDATE, passed[0]])

    def test_keys_that_are_held_are_released_the_latest_first(self) -> None:
        self.stage.process(KEY + QEMU_KEY + key(0x62) + key(0x62, 0))

        self.assertEqual(self.take(), QEMU_KEY_UP + KEY_UP)
        self.assertEqual(self.give() + self.take(), b"")

    def test_a_key_of_qemu_is_known_by_its_keycode(self) -> None:
        self.stage.process(QEMU_KEY + QEMU_KEY_UP[:7] + b"A" + QEMU_KEY_UP[8:])

        self.assertEqual(self.take(), b"")

    def test_buttons_that_are_held_are_released_where_the_pointer_is(self) -> None:
        self.stage.process(bytes.fromhex("05 04 0001 0002") + POINTER)

        self.assertEqual(self.take(), POINTER_UP)

    def test_a_pointer_without_buttons_needs_nothing(self) -> None:
        self.stage.process(POINTER + POINTER_UP)

        self.assertEqual(self.take(), b"")

    def test_a_viewer_that_presses_keys_without_end_releases_the_oldest(self) -> None:
        passed = b"".join(self.stage.process(key(0x100 + n)) for n in range(MOST_KEYS + 2))

        self.assertEqual(passed.count(key(0x100, 0)), 1)
        self.assertEqual(passed.count(key(0x101, 0)), 1)
        self.assertEqual(self.take().count(b"\4\0"), MOST_KEYS)

    def test_what_it_already_is_changes_nothing(self) -> None:
        self.stage.process(KEY)

        self.assertEqual(self.give(), b"")
        self.assertEqual(self.take(), KEY_UP)
        self.assertEqual(self.take(), b"")


class HalfMessageTests(ChangingTestCase):
    """A message of which a part was sent before the change."""

    def test_of_one_that_began_before_nothing_passes(self) -> None:
        for message in (KEY, POINTER, QEMU_KEY, SIZE, cut_text(b"x" * 5000)):
            for cut in (1, 4, len(message) - 1):
                self.begin()
                passed = self.stage.process(message[:cut])
                passed += self.take()
                passed += self.stage.process(message[cut:] + FENCE)

                self.assertEqual(passed, FENCE, message[:20])

    def test_one_that_began_after_it_was_taken_does_not_pass_either(self) -> None:
        self.begin(Mode.VIEW_ONLY)
        text = cut_text(b"x" * 5000)

        passed = self.stage.process(text[:50])
        self.give()
        passed += self.stage.process(text[50:] + KEY)

        self.assertEqual(passed, KEY)

    def test_the_rest_of_a_text_is_never_read_as_messages(self) -> None:
        text = cut_text(KEY * 500)

        passed = self.stage.process(text[:100])
        for _ in range(10):
            passed += self.take() + self.give()
        passed += self.stage.process(text[100:])

        self.assertEqual(passed, text)


class EncodingTests(ChangingTestCase):
    def test_encodings_follow_in_both_directions(self) -> None:
        everything = set_encodings(7, *CONTROL_ENCODINGS, EXTENDED_CLIPBOARD, 0)
        self.begin(Mode.VIEW_ONLY)
        watching = self.stage.process(everything)

        self.assertEqual(watching, set_encodings(7, 0))
        self.assertEqual(self.give(), everything)
        self.assertEqual(self.take(), watching)

    def test_a_server_that_has_the_same_is_told_nothing(self) -> None:
        self.stage.process(set_encodings(7, 0, -239))

        self.assertEqual(self.take() + self.give(), b"")

    def test_what_is_announced_while_watching_counts_as_soon_as_it_may(self) -> None:
        self.take()
        self.stage.process(set_encodings(0, -258))

        self.assertEqual(self.give(), set_encodings(0, -258))


class ClipboardTests(ChangingTestCase):
    def announce(self) -> None:
        self.stage.process(set_encodings(EXTENDED_CLIPBOARD) + caps())

    def test_an_offer_is_withdrawn_and_made_again(self) -> None:
        self.announce()
        self.stage.process(OFFER)

        self.assertEqual(self.take(), NO_OFFER + set_encodings(0))
        self.assertEqual(self.stage.process(provide(b"text\0")), b"")
        self.assertEqual(self.give(), set_encodings(EXTENDED_CLIPBOARD) + OFFER)
        self.assertEqual(self.stage.process(provide(b"text\0")), provide(b"text\0"))

    def test_an_offer_that_the_viewer_has_withdrawn_is_not_made_again(self) -> None:
        self.announce()
        self.stage.process(OFFER + NO_OFFER)

        self.assertEqual(self.take(), set_encodings(0))
        self.assertEqual(self.give(), set_encodings(EXTENDED_CLIPBOARD))

    def test_nothing_is_withdrawn_from_a_server_that_does_not_know_the_extension(self) -> None:
        self.announce()
        self.stage.process(OFFER + set_encodings(0))

        self.assertEqual(self.take() + self.give(), b"")

    def test_texts_of_the_guest_keep_coming_where_they_may(self) -> None:
        self.begin(clipboard=Clipboard.FROM_GUEST, clipboard_limit=100)
        self.announce()
        [server] = [stage for stage in self.stages if stage is not self.stage]
        long = extended(NOTIFY | TEXT, kind=3)

        self.assertEqual(server.process(long), long)
        begun = server.process(long[:9])
        self.take()
        self.assertEqual(begun + server.process(long[9:] + long), b"")
        self.assertEqual(server.process(server_cut_text(b"text")), server_cut_text(b"text"))
        self.give()
        self.assertEqual(server.process(long), long)


class SessionsThatMayChangeTests(SynchronousTestCase):
    def test_one_driver_has_the_stage_from_its_beginning(self) -> None:
        stages = stages_for(Policy(sharing=Sharing.ONE_DRIVER), SERVER_INIT)

        self.assertIsNotNone(stage_of_viewer(stages))

    def test_one_without_restrictions_has_none(self) -> None:
        self.assertIsNone(stage_of_viewer(stages_for(Policy(), SERVER_INIT)))

    def test_what_it_is_now_counts_and_not_the_policy(self) -> None:
        for mode, view_only in ((Mode.CONTROL, True), (Mode.VIEW_ONLY, False)):
            stages = stages_for(Policy(mode=mode), SERVER_INIT, view_only=view_only)
            [stage] = stages
            self.assertEqual(stage.process(KEY), b"" if view_only else KEY)
