"""Pictures and images are made once for all that ask, and kept for a moment."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import Busy, UpstreamViolation
from vncproxy.model import VMAddress
from vncproxy.screen import Picture
from vncproxy.screenshots import album
from vncproxy.screenshots.album import (
    IMAGES_KEPT,
    KEPT,
    MOST_AT_A_TIME,
    MOST_OF_ONE,
    Album,
)
from vncproxy.screenshots.formats import Image, ImageFormat, ImageKind, Shot
from vncproxy.screenshots.images import digest_of
from vncproxy.screenshots.turns import LONGEST_WAIT

PNG, JPEG = ImageFormat.PNG, ImageFormat.JPEG


def machine(number: int = 0) -> VMAddress:
    return VMAddress.parse(f"here/vm{number}")


def picture(colour: int = 0) -> Picture:
    found = Picture(2, 2)
    found.pixels[:] = colour
    return found


class AlbumTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.takes: list[tuple[Shot, Deferred[Picture]]] = []
        self.encodings: list[tuple[Any, Deferred[bytes]]] = []
        self.album = Album(self.take, self.in_thread, self.clock)

    def tearDown(self) -> None:
        """End what goes on: a coroutine that is dropped would begin the turns of others."""
        while self.takes or self.encodings:
            if self.takes:
                self.taken()
            else:
                self.encoded()

    def take(self, shot: Shot) -> Deferred[Picture]:
        taking: Deferred[Picture] = Deferred()
        self.takes.append((shot, taking))
        return taking

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        if function is digest_of:
            return succeed(function(*args))
        encoding: Deferred[bytes] = Deferred()
        self.encodings.append((args, encoding))
        return encoding

    def ask(
        self,
        number: int = 0,
        kind: ImageFormat = PNG,
        width: int | None = None,
        known: Collection[str] = (),
        cursor: bool | None = None,
    ) -> Deferred[Image]:
        wanted = ImageKind(kind, width, cursor=cursor)
        return Deferred.fromCoroutine(self.album.image(machine(number), wanted, known))

    def taken(self, found: Picture | None = None) -> None:
        self.takes.pop(0)[-1].callback(picture() if found is None else found)

    def encoded(self, image: bytes = b"image") -> None:
        self.encodings.pop(0)[1].callback(image)

    def assertShows(self, asked: Deferred[Image], data: bytes) -> None:
        self.assertEqual(self.successResultOf(asked).data, data)

    def test_one_picture_at_a_time_of_a_machine(self) -> None:
        first, second, other = self.ask(), self.ask(kind=JPEG), self.ask(1)
        self.assertEqual([shot.vm for shot, _ in self.takes], [machine(0), machine(1)])
        self.taken()
        self.assertEqual([args[1].format for args, _ in self.encodings], [PNG, JPEG])
        self.encoded(b"png")
        self.encoded(b"jpeg")
        self.assertShows(first, b"png")
        self.assertShows(second, b"jpeg")
        self.assertNoResult(other)

    def test_pictures_with_and_without_cursor_are_two(self) -> None:
        self.ask(cursor=True)
        self.ask(cursor=False)
        self.assertEqual([shot.cursor for shot, _ in self.takes], [True, False])

    def test_a_request_of_another_proxy_does_not_wait_for_what_may_ask_that_one(self) -> None:
        self.ask()
        Deferred.fromCoroutine(self.album.image(machine(), ImageKind(), hops=1))
        self.assertEqual([shot.hops for shot, _ in self.takes], [0, 1])

    def test_one_encoding_for_all_that_ask_for_an_image(self) -> None:
        asked = [self.ask(width=9) for _ in range(50)]
        self.taken()
        asked += [self.ask(width=9) for _ in range(50)]
        self.assertEqual(len(self.encodings), 1)
        self.encoded()
        for each in asked:
            self.assertShows(each, b"image")

    def test_a_picture_is_kept_for_seconds(self) -> None:
        self.ask()
        self.taken()
        self.clock.advance(KEPT * 0.9)
        self.encoded()
        again = self.ask()
        self.assertAlmostEqual(self.successResultOf(again).age, KEPT * 0.9)
        self.ask(width=1)
        self.assertEqual((self.takes, len(self.encodings)), ([], 1))
        self.clock.advance(KEPT * 0.1)
        self.assertNoResult(self.ask())
        self.assertEqual(len(self.takes), 1)

    def test_an_image_is_not_made_again_while_the_screen_does_not_change(self) -> None:
        self.ask()
        self.taken()
        self.encoded()
        self.clock.advance(KEPT)
        again = self.ask()
        self.taken()
        self.assertShows(again, b"image")
        self.clock.advance(KEPT)
        changed = self.ask()
        self.taken(picture(1))
        self.assertNoResult(changed)
        self.encoded(b"other")
        self.assertShows(changed, b"other")
        self.clock.advance(IMAGES_KEPT)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_image_that_the_caller_has_is_not_made(self) -> None:
        first = self.ask()
        self.taken()
        self.encoded()
        tag = self.successResultOf(first).tag
        self.clock.advance(IMAGES_KEPT)
        again, other = self.ask(known=[tag, "another"]), self.ask(kind=JPEG, known=[tag])
        self.taken()
        self.assertEqual(self.successResultOf(again), Image(tag, 0.0, b""))
        self.assertEqual(len(self.encodings), 1)
        self.encoded(b"jpeg")
        self.assertShows(other, b"jpeg")
        changed = self.ask(1, known=[tag])
        self.taken(picture(1))
        self.assertNoResult(changed)

    def test_each_tag_is_of_one_image(self) -> None:
        kinds = [
            ImageKind(),
            ImageKind(PNG, 1),
            ImageKind(PNG, None, 1),
            ImageKind(PNG, 1, 1),
            ImageKind(JPEG),
            ImageKind(JPEG, quality=1),
            ImageKind(ImageFormat.WEBP),
        ]
        asked = [Deferred.fromCoroutine(self.album.image(machine(), each)) for each in kinds[:4]]
        self.taken()
        for _ in asked:
            self.encoded()
        asked += [Deferred.fromCoroutine(self.album.image(machine(), each)) for each in kinds[4:]]
        for _ in kinds[4:]:
            self.encoded()
        tags = {self.successResultOf(each).tag for each in asked}
        self.assertEqual(len(tags), len(kinds))

    def test_what_is_kept_is_bounded_in_bytes(self) -> None:
        self.patch(album, "MOST_KEPT", 2 * 12)
        self.patch(album, "MOST_IMAGES_KEPT", 12)
        self.setUp()
        for number in range(3):
            self.ask(number)
            self.taken(picture(number))
            self.encoded(b"six by")
        self.assertShows(self.ask(1), b"six by")
        self.assertShows(self.ask(2), b"six by")
        self.ask(1, width=1)
        self.assertEqual(self.takes, [])
        self.ask(0)
        self.assertEqual([shot.vm for shot, _ in self.takes], [machine(0)])
        # each kept value has one timer, and those that were dropped have none
        self.assertEqual(len(self.clock.getDelayedCalls()), 4)

    def test_what_is_larger_than_the_room_is_not_kept(self) -> None:
        self.patch(album, "MOST_IMAGES_KEPT", 12)
        self.setUp()
        for number, image in ((0, b"small"), (1, bytes(13))):
            self.ask(number)
            self.taken(picture(number))
            self.encoded(image)
        self.assertShows(self.ask(0), b"small")
        self.assertNoResult(self.ask(1))

    def test_pictures_of_other_machines_wait_for_a_moment(self) -> None:
        asked = [self.ask(number) for number in range(MOST_AT_A_TIME + 2)]
        self.assertEqual(len(self.takes), MOST_AT_A_TIME)
        self.taken()
        self.assertEqual(self.takes[-1][0].vm, machine(MOST_AT_A_TIME))
        self.clock.advance(LONGEST_WAIT)
        self.failureResultOf(asked[-1], Busy)
        self.assertNoResult(asked[-2])

    def test_busy_with_images_of_the_machine(self) -> None:
        asked = [self.ask(width=width + 1) for width in range(MOST_OF_ONE + 1)]
        self.taken()
        self.failureResultOf(asked[-1], Busy)
        self.encoded()
        self.assertNoResult(self.ask(width=100))
        self.failureResultOf(self.ask(width=101), Busy)

    def test_a_failure_is_handed_to_all_that_wait_and_not_kept(self) -> None:
        asked = [self.ask(), self.ask(), self.ask(kind=JPEG)]
        self.takes.pop()[-1].errback(UpstreamViolation("no picture"))
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
        self.assertShows(second, b"image")

    def test_a_picture_alone(self) -> None:
        asked = Deferred.fromCoroutine(self.album.picture(machine()))
        shown = picture(7)
        self.taken(shown)
        self.assertIs(self.successResultOf(asked), shown)
