"""Text that others have sent, as it may be written."""

from __future__ import annotations

import errno
import json

from twisted.internet.error import ConnectionRefusedError, DNSLookupError  # noqa: A004
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import BackendError, VNCProxyError
from vncproxy.text import has_control, printable, printable_lines, system_message

HOSTILE = [
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "\ud800",
    "\udfff",
]
HARMLESS = ["", "web-01", "Zoë's 机器", "a b", "x\u00a0y", "👩\u200d💻", "\\x1b", "é"]


class TextTests(SynchronousTestCase):
    def test_what_does_not_belong_into_a_name(self) -> None:
        for character in HOSTILE:
            self.assertTrue(has_control(f"a{character}b"), ascii(character))
            self.assertEqual(printable(f"a{character}b"), f"a\\u{ord(character):04x}b")

    def test_what_does(self) -> None:
        for name in HARMLESS:
            self.assertFalse(has_control(name), name)
            self.assertEqual(printable(name), name)
            self.assertEqual(printable_lines(name), name)

    def test_lines_stay_lines(self) -> None:
        self.assertEqual(printable_lines("a\r\nb\x1b[31m"), "a\\u000d\nb\\u001b[31m")

    def test_json_stays_json(self) -> None:
        value = "|".join([*HOSTILE, *HARMLESS])

        shown = printable_lines(json.dumps({"name": value}, indent=2, ensure_ascii=False))

        self.assertEqual(json.loads(shown), {"name": value})
        self.assertFalse(has_control(shown.replace("\n", "")))

    def test_long_text_is_cut(self) -> None:
        self.assertEqual(printable("abcdef", 3), "abc…")
        self.assertEqual(printable("abc", 3), "abc")

    @given(st.text())
    def test_nothing_comes_through(self, found: str) -> None:
        self.assertFalse(has_control(printable(found)))

    def test_errors_are_written_to_logs(self) -> None:
        error = BackendError("said\x1b[2J\n\u202eno", public="Machine \x9bm\u2028 is away.")

        self.assertEqual(str(error), "said\\u001b[2J\n\\u202eno")
        self.assertEqual(error.detail, str(error))
        self.assertEqual(error.args, (error.detail,))
        self.assertEqual(error.sentence(), "Machine \\u009bm\\u2028 is away.")
        self.assertEqual(VNCProxyError().sentence(), "The console failed.")


class SystemWordsTests(SynchronousTestCase):
    def test_what_the_system_says_is_said_once(self) -> None:
        for error in (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
            OSError(errno.ECONNREFUSED, "Connection refused"),
        ):
            self.assertEqual(system_message(error), "connection refused")

    def test_what_has_no_number_is_said_as_it_is(self) -> None:
        error = DNSLookupError("no results for hostname lookup: x.example.com")

        self.assertEqual(
            system_message(error),
            "DNS lookup failed: no results for hostname lookup: x.example.com",
        )
        self.assertEqual(system_message(ValueError()), "ValueError")
