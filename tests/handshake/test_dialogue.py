"""Reads, writes and ends of a dialogue, in any segmentation."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import byte_by_byte, cut, places, play, sized_bytes
from tests.properties import given
from vncproxy.errors import UpstreamViolation, VNCProxyError
from vncproxy.handshake.dialogue import Dialogue
from vncproxy.handshake.steps import (
    EndOfStream,
    Read,
    ReadAtMost,
    ReadUntil,
    StartTLS,
    StepError,
    Steps,
    TooLong,
    UnexpectedPlaintext,
    Write,
)
from vncproxy.model import TLSTrust

TRUST = TLSTrust(name="kvm1")


def read(*sizes: int) -> Steps[list[bytes]]:
    answers = []
    for size in sizes:
        answers.append((yield Read(size)))
    return answers


def read_line(limit: int) -> Steps[bytes]:
    return (yield ReadUntil(b"\r\n", limit, "a line"))


def read_at_most(size: int) -> Steps[bytes]:
    return (yield ReadAtMost(size, 2.0))


def read_or_stop(size: int) -> Steps[bytes]:
    """Take what there is when the peer closes early."""
    try:
        return (yield Read(size))
    except EndOfStream:
        return (yield Read(1))


def mixture() -> Steps[tuple[bytes, bytes, bytes]]:
    """Use every step, with sizes that depend on what came."""
    yield Write(b"hello")
    size = (yield Read(1))[0] % 16
    body = yield Read(size)
    try:
        line = yield ReadUntil(b"\r\n", 8)
    except TooLong:
        yield Write(b"too long")
        line = yield Read(3)
    yield Write(bytes([size]))
    if body.startswith(b"\xff"):
        raise UpstreamViolation(f"{size} bytes of nonsense")
    return body, line, (yield Read(2))


def fail_on(byte: bytes) -> Steps[bytes]:
    answer = yield Read(1)
    if answer == byte:
        raise UpstreamViolation("not this one")
    return answer


def encrypted() -> Steps[bytes]:
    yield Read(1)
    yield Write(b"tls?")
    yield StartTLS(TRUST)
    return (yield Read(6))


class ReadTests(SynchronousTestCase):
    def test_waits_until_all_bytes_are_there(self) -> None:
        dialogue = Dialogue(read(3))
        dialogue.receive(b"ab")
        self.assertFalse(dialogue.done)
        dialogue.receive(b"c")
        self.assertTrue(dialogue.done)
        self.assertEqual(dialogue.result, [b"abc"])

    def test_several_reads_share_one_segment(self) -> None:
        self.assertEqual(play(read(1, 2, 3), b"abbccc").result, [b"a", b"bb", b"ccc"])

    def test_zero_bytes_are_there_at_once(self) -> None:
        self.assertEqual(play(read(0)).result, [b""])

    def test_zero_bytes_between_others(self) -> None:
        self.assertEqual(play(read(1, 0, 0, 1), b"ab").result, [b"a", b"", b"", b"b"])

    def test_zero_bytes_are_there_after_the_end_too(self) -> None:
        outcome = play(read_or_stop(0), eof=True)
        self.assertEqual((outcome.done, outcome.result), (True, b""))

    def test_nothing_received_changes_nothing(self) -> None:
        self.assertEqual(play(read(1), b"", b"a", b"").result, [b"a"])

    def test_a_huge_count_waits_without_allocating(self) -> None:
        outcome = play(read(2**32 - 1), b"abc")
        self.assertEqual((outcome.done, outcome.leftover), (False, b"abc"))


class ReadUntilTests(SynchronousTestCase):
    def test_answer_ends_with_the_delimiter(self) -> None:
        outcome = play(read_line(64), b"GET\r\nrest")
        self.assertEqual((outcome.result, outcome.leftover), (b"GET\r\n", b"rest"))

    def test_delimiter_across_segments(self) -> None:
        self.assertEqual(play(read_line(64), b"GET\r", b"\n").result, b"GET\r\n")

    def test_answer_may_be_as_long_as_the_limit(self) -> None:
        self.assertEqual(play(read_line(5), b"GET\r\n").result, b"GET\r\n")

    def test_answer_must_not_be_longer(self) -> None:
        outcome = play(read_line(4), b"GET\r\n")
        self.assertEqual(
            (outcome.error, outcome.detail), (TooLong, "no end within 4 bytes of a line")
        )

    def test_too_long_before_the_delimiter_comes(self) -> None:
        self.assertIs(play(read_line(4), b"GET ").error, TooLong)

    def test_a_handshake_may_go_on_after_too_long(self) -> None:
        outcome = play(mixture(), b"\0GET / HTTP", b"zz")
        self.assertEqual(outcome.sent, b"hellotoo long\0")
        self.assertEqual(outcome.result, (b"", b"GET", b" /"))


class ReadAtMostTests(SynchronousTestCase):
    def test_all_bytes_are_an_answer_at_once(self) -> None:
        outcome = play(read_at_most(3), b"ab", b"cd")
        self.assertEqual((outcome.result, outcome.leftover), (b"abc", b"d"))

    def test_the_end_makes_it_short(self) -> None:
        for sent in (b"", b"ab"):
            self.assertEqual(play(read_at_most(3), sent, eof=True).result, sent)

    def test_its_time_makes_it_short(self) -> None:
        dialogue = Dialogue(read_at_most(3))
        dialogue.receive(b"ab")
        self.assertEqual(dialogue.timed_step(), ReadAtMost(3, 2.0))

        dialogue.end_timed_step()

        self.assertEqual((dialogue.result, dialogue.leftover()), (b"ab", b""))
        self.assertIsNone(dialogue.timed_step())

    def test_the_time_of_another_step_is_not_its_own(self) -> None:
        dialogue = Dialogue(read(3))
        dialogue.receive(b"ab")
        dialogue.end_timed_step()
        self.assertEqual((dialogue.done, dialogue.leftover()), (False, b"ab"))


class WaitsForTests(SynchronousTestCase):
    def test_the_step_in_its_own_words(self) -> None:
        def steps() -> Steps[None]:
            yield Read(1, "a key")
            yield StartTLS(TRUST)

        dialogue = Dialogue(steps())
        self.assertEqual(dialogue.waits_for(), "a key")
        dialogue.receive(b"k")
        self.assertEqual(dialogue.waits_for(), "the end of its TLS handshake")
        dialogue.tls_established()
        self.assertEqual(dialogue.waits_for(), "")


class WriteTests(SynchronousTestCase):
    def test_is_there_before_anything_is_received(self) -> None:
        self.assertEqual(Dialogue(mixture()).outgoing(), b"hello")

    def test_is_handed_out_once(self) -> None:
        dialogue = Dialogue(mixture())
        dialogue.outgoing()
        self.assertEqual(dialogue.outgoing(), b"")

    def test_several_come_in_order(self) -> None:
        def steps() -> Steps[None]:
            yield Write(b"a")
            yield Write(b"b")

        outcome = play(steps())
        self.assertEqual((outcome.sent, outcome.done), (b"ab", True))


class StartTLSTests(SynchronousTestCase):
    def waiting(self) -> Dialogue[bytes]:
        dialogue = Dialogue(encrypted())
        dialogue.receive(b"a")
        return dialogue

    def test_waits_behind_what_was_agreed_on(self) -> None:
        dialogue = Dialogue(encrypted())
        self.assertIsNone(dialogue.pending_tls())
        dialogue.receive(b"a")
        self.assertEqual(dialogue.pending_tls(), StartTLS(TRUST))
        self.assertEqual(dialogue.outgoing(), b"tls?")

    def test_goes_on_when_tls_is_up(self) -> None:
        dialogue = self.waiting()
        dialogue.tls_established()
        self.assertIsNone(dialogue.pending_tls())
        dialogue.receive(b"secret")
        self.assertEqual((dialogue.done, dialogue.result), (True, b"secret"))

    def test_bytes_in_the_clear_are_refused(self) -> None:
        for pieces in ((b"a", b"secret"), (b"asecret",)):
            outcome = play(encrypted(), *pieces)
            self.assertIs(outcome.error, UnexpectedPlaintext)
            self.assertEqual(outcome.detail, "6 bytes in the clear after TLS was agreed on")

    def test_closing_meanwhile(self) -> None:
        self.assertIs(play(encrypted(), b"a", eof=True).error, EndOfStream)

    def test_a_server_that_is_not_verified(self) -> None:
        dialogue = self.waiting()
        self.assertRaises(UpstreamViolation, dialogue.fail, UpstreamViolation("self-signed"))
        self.assertFalse(dialogue.done)

    def test_a_handshake_may_go_on_without_it(self) -> None:
        def steps() -> Steps[str]:
            try:
                yield StartTLS(None)
            except UpstreamViolation as e:
                return e.detail
            return ""

        dialogue = Dialogue(steps())
        dialogue.fail(UpstreamViolation("no ciphers"))
        self.assertEqual((dialogue.done, dialogue.result), (True, "no ciphers"))

    def test_is_not_up_for_a_handshake_that_failed(self) -> None:
        dialogue = self.waiting()
        self.assertRaises(EndOfStream, dialogue.receive_eof)
        dialogue.tls_established()
        dialogue.fail(UpstreamViolation("late"))
        self.assertFalse(dialogue.done)

    def test_is_not_up_where_bytes_are_waited_for(self) -> None:
        dialogue = Dialogue(read(1))
        dialogue.tls_established()
        self.assertFalse(dialogue.done)


class EndTests(SynchronousTestCase):
    def test_a_handshake_may_have_no_step_at_all(self) -> None:
        def steps() -> Steps[int]:
            yield from ()
            return 7

        self.assertEqual(play(steps()).result, 7)

    def test_leftover_is_handed_out_once(self) -> None:
        dialogue = Dialogue(read(1))
        dialogue.receive(b"abc")
        dialogue.receive(b"d")
        self.assertEqual(dialogue.leftover(), b"bcd")
        self.assertEqual(dialogue.leftover(), b"")

    def test_closing_early_is_told_with_numbers(self) -> None:
        outcome = play(read(4), b"abc", eof=True)
        self.assertIs(outcome.error, EndOfStream)
        self.assertEqual(outcome.detail, "closed after 3 bytes, waiting for an answer")

    def test_closing_in_mid_line(self) -> None:
        self.assertIs(play(read_line(64), b"GET", eof=True).error, EndOfStream)

    def test_closing_after_the_result_is_no_error(self) -> None:
        outcome = play(read(1), b"a", eof=True)
        self.assertEqual((outcome.done, outcome.error), (True, None))

    def test_bytes_before_the_end_can_still_be_read(self) -> None:
        outcome = play(read_or_stop(4), b"abc", eof=True)
        self.assertEqual((outcome.result, outcome.leftover), (b"a", b"bc"))

    def test_each_further_step_is_told_of_the_end(self) -> None:
        self.assertIs(play(read_or_stop(4), eof=True).error, EndOfStream)

    def test_the_end_is_a_step_error(self) -> None:
        self.assertTrue(issubclass(EndOfStream, StepError) and issubclass(TooLong, StepError))


class FailureTests(SynchronousTestCase):
    def test_comes_out_of_receive(self) -> None:
        dialogue = Dialogue(fail_on(b"x"))
        self.assertRaises(UpstreamViolation, dialogue.receive, b"x")

    def test_is_not_a_result(self) -> None:
        outcome = play(fail_on(b"x"), b"x", b"y", eof=True)
        self.assertEqual((outcome.done, outcome.error), (False, UpstreamViolation))

    def test_what_comes_after_it_is_kept(self) -> None:
        self.assertEqual(play(fail_on(b"x"), b"xa", b"b").leftover, b"ab")

    def test_before_the_first_read(self) -> None:
        def steps() -> Steps[None]:
            yield Write(b"a")
            raise UpstreamViolation("at once")

        self.assertRaises(UpstreamViolation, Dialogue, steps())

    def test_what_was_written_before_is_still_sent(self) -> None:
        self.assertEqual(play(mixture(), b"\1\xff\r\n").sent, b"hello\1")


class SegmentationTests(SynchronousTestCase):
    @given(sized_bytes(40), places)
    def test_changes_nothing(self, data: bytes, where: list[int]) -> None:
        whole = play(mixture(), data, eof=True)
        self.assertEqual(play(mixture(), *byte_by_byte(data), eof=True), whole)
        self.assertEqual(play(mixture(), *cut(data, where), eof=True), whole)

    @given(sized_bytes(40))
    def test_every_handshake_ends_with_the_stream(self, data: bytes) -> None:
        outcome = play(mixture(), data, eof=True)
        self.assertNotEqual(outcome.done, outcome.error is not None)
        self.assertTrue(outcome.error is None or issubclass(outcome.error, VNCProxyError))
