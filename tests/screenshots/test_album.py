"""Pictures and images are made once for all that ask, and kept for a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import Busy, UpstreamViolation
from vncproxy.model import VMAddress
from vncproxy.screen import Picture
from vncproxy.screenshots import album
from vncproxy.screenshots.album import KEPT, MOST_AT_A_TIME, MOST_IMAGES, MOST_OF_ONE, Album
from vncproxy.screenshots.formats import ImageFormat

PNG, JPEG = ImageFormat.PNG, ImageFormat.JPEG


def machine(number: int = 0) -> VMAddress:
    return VMAddress.parse(f"here/vm{number}")


class AlbumTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.takes: list[tuple[VMAddress, Deferred[Picture]]] = []
        self.encodings: list[tuple[Any, Deferred[bytes]]] = []
        self.album = Album(self.take, self.in_thread, self.clock)

    def take(self, vm: VMAddress) -> Deferred[Picture]:
        taking: Deferred[Picture] = Deferred()
        self.takes.append((vm, taking))
        return taking

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Deferred[bytes]:
        encoding: Deferred[bytes] = Deferred()
        self.encodings.append((args, encoding))
        return encoding

    def ask(
        self, number: int = 0, kind: ImageFormat = PNG, width: int | None = None
    ) -> Deferred[bytes]:
        return Deferred.fromCoroutine(self.album.image(machine(number), kind, width))

    def taken(self, picture: Picture | None = None) -> None:
        self.takes.pop(0)[1].callback(picture or Picture(2, 2))

    def encoded(self, image: bytes = b"image") -> None:
        self.encodings.pop(0)[1].callback(image)

    def test_one_picture_at_a_time_of_a_machine(self) -> None:
        first, second, other = self.ask(), self.ask(kind=JPEG), self.ask(1)
        self.assertEqual([vm for vm, _ in self.takes], [machine(0), machine(1)])
        self.taken()
        self.assertEqual([args[1] for args, _ in self.encodings], [PNG, JPEG])
        self.encoded(b"png")
        self.encoded(b"jpeg")
        self.assertEqual(self.successResultOf(first), b"png")
        self.assertEqual(self.successResultOf(second), b"jpeg")
        self.assertNoResult(other)

    def test_one_encoding_for_all_that_ask_for_an_image(self) -> None:
        asked = [self.ask(width=9) for _ in range(50)]
        self.taken()
        asked += [self.ask(width=9) for _ in range(50)]
        self.assertEqual(len(self.encodings), 1)
        self.encoded()
        for each in asked:
            self.assertEqual(self.successResultOf(each), b"image")

    def test_an_image_is_kept_as_long_as_its_picture(self) -> None:
        self.ask()
        self.taken()
        self.clock.advance(KEPT / 2)
        self.encoded()
        self.assertEqual(self.successResultOf(self.ask()), b"image")
        self.clock.advance(KEPT / 2)
        self.assertNoResult(self.ask())
        self.assertEqual(len(self.takes), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_picture_is_kept_for_other_images(self) -> None:
        self.ask()
        self.taken()
        self.encoded()
        self.clock.advance(KEPT * 0.9)
        self.ask(width=1)
        self.assertEqual((self.takes, len(self.encodings)), ([], 1))

    def test_what_is_kept_is_bounded_in_bytes(self) -> None:
        self.patch(album, "MOST_KEPT", 2 * 12)
        self.patch(album, "MOST_IMAGES_KEPT", 12)
        self.setUp()
        for number in range(3):
            self.ask(number)
            self.taken()
            self.encoded(b"six by")
        self.assertEqual(self.successResultOf(self.ask(1)), b"six by")
        self.assertEqual(self.successResultOf(self.ask(2)), b"six by")
        self.ask(1, width=1)
        self.assertEqual(self.takes, [])
        self.ask(0)
        self.assertEqual([vm for vm, _ in self.takes], [machine(0)])
        # each kept value has one timer, and those that were dropped have none
        self.assertEqual(len(self.clock.getDelayedCalls()), 4)

    def test_what_is_larger_than_the_room_is_not_kept(self) -> None:
        self.patch(album, "MOST_IMAGES_KEPT", 12)
        self.setUp()
        for number, image in ((0, b"small"), (1, bytes(13))):
            self.ask(number)
            self.taken()
            self.encoded(image)
        self.assertEqual(self.successResultOf(self.ask(0)), b"small")
        self.assertNoResult(self.ask(1))

    def test_busy_with_other_machines(self) -> None:
        asked = [self.ask(number) for number in range(MOST_AT_A_TIME)]
        self.failureResultOf(self.ask(MOST_AT_A_TIME), Busy)
        self.taken()
        self.assertNoResult(self.ask(MOST_AT_A_TIME))
        self.assertNoResult(asked[0])

    def test_busy_with_images_of_the_machine(self) -> None:
        for width in range(MOST_OF_ONE):
            self.ask(width=width + 1)
        self.failureResultOf(self.ask(width=100), Busy)
        self.assertNoResult(self.ask(1))
        self.taken()
        self.encoded()
        self.assertNoResult(self.ask(width=100))

    def test_busy_with_images(self) -> None:
        for number in range(MOST_IMAGES):
            self.ask(number)
            self.taken()
        self.failureResultOf(self.ask(MOST_IMAGES), Busy)
        self.assertNoResult(self.ask(0))
        self.encoded()
        self.assertNoResult(self.ask(MOST_IMAGES))

    def test_a_failure_is_handed_to_all_that_wait_and_not_kept(self) -> None:
        asked = [self.ask(), self.ask(), self.ask(kind=JPEG)]
        self.takes.pop()[1].errback(UpstreamViolation("no picture"))
        for each in asked:
            self.failureResultOf(each, UpstreamViolation)
        self.assertNoResult(self.ask())
        self.assertEqual(len(self.takes), 1)

    def test_a_failure_to_encode_is_handed_to_all_that_wait(self) -> None:
        asked = [self.ask(), self.ask()]
        self.taken()
        self.encodings.pop()[1].errback(Busy("no thread"))
        for each in asked:
            self.failureResultOf(each, Busy)
        self.assertNoResult(self.ask())
        self.assertEqual((self.takes, len(self.encodings)), ([], 1))

    def test_a_caller_that_gives_up_takes_nothing_from_the_others(self) -> None:
        first, second = self.ask(), self.ask()
        first.addErrback(lambda _: None)
        first.cancel()
        self.taken()
        self.encoded()
        self.assertEqual(self.successResultOf(second), b"image")
