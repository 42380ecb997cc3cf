"""The tree of errors: the sentence, HTTP status, close code and detail of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy import errors
from vncproxy.errors import (
    BackendError,
    ConsoleUnavailable,
    HypervisorError,
    NoGraphicalConsole,
    SessionEnded,
    TokenRefused,
    VMNotFound,
    VNCProxyError,
    ZoneError,
    ZoneUnreachable,
)
from vncproxy.errors.zone import said_by_zone
from vncproxy.web import STATIC

EMBEDDING = Path(__file__).resolve().parent.parent / "docs" / "embedding.md"

CLOSE_REASON_LIMIT = 123
"""Bytes of a reason in a close frame (RFC 6455 section 5.5)."""


def tree(root: type[VNCProxyError]) -> Iterator[type[VNCProxyError]]:
    """Yield the classes of this module under one of them."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith(f"{errors.__name__}."):
            yield from tree(child)


EVERY = list(tree(VNCProxyError))

SHARED = {
    1000: {"SessionEnded", "ClientGone"},
    1011: {
        "KeysInterrupted",
        "VNCProxyError",
        "ConsoleError",
        "ConfigurationError",
        "KeystoneUnavailable",
        "LoginFailed",
        "ProviderUnavailable",
    },
    4000: {"ClientError", "BadRequest", "ModeFixed", "PolicyUnsupported"},
    4001: {"TokenRefused", "TokenUnknown", "TokenUsed", "TokenExpired", "TokenRevoked"},
    4101: {
        "HypervisorError",
        "BackendError",
        "UpstreamUnreachable",
        "UpstreamViolation",
        "UpstreamRefused",
        "UpstreamClosed",
        "UpstreamUntrusted",
        "ZoneError",
        "ZoneUnreachable",
        "ZoneUntrusted",
        "ZoneUnknown",
        "ZoneKeyRefused",
        "ZoneKeyExpired",
        "ZoneClock",
        "ZoneReplayed",
        "ZoneHopLimit",
        "ZoneLoop",
        "ZonePolicyRefused",
        "ZoneForbidden",
        "ZoneSays",
        "PowerError",
        "PowerDenied",
    },
    4100: {"ConsoleUnavailable", "PowerStateUnfit", "PowerUnsupported"},
    4102: {
        "OverLimit",
        "ZoneLinkLost",
        "ZoneNotConnected",
        "UpstreamBusy",
        "ConsoleInUse",
        "StoreUnavailable",
        "AuditUnavailable",
        "ZoneDraining",
        "PowerTooOften",
        "RecordingUnavailable",
        "RecordingStopped",
    },
    4103: {"ConsoleEnded", "ConsoleMoved", "ConnectionLost"},
    4116: {"ProxyDraining", "ModeChanged"},
}
"""Close codes that several classes share on purpose, since the page does the same after each:

1000 the user left; 1011 a defect or a wrong configuration; 4000 the link is malformed, and a policy
is refused when the token is issued, where there is no WebSocket; 4001 strangers are not told which;
4100 the machine is not running; 4101 only an administrator can help; 4102 try again later; 4103 the
page reconnects by itself.
"""


class TextTests(SynchronousTestCase):
    def test_the_detail_is_for_the_log_alone(self) -> None:
        error = BackendError("libvirt: connection reset, fd 12")
        self.assertEqual(str(error), "libvirt: connection reset, fd 12")
        self.assertNotIn("libvirt", error.sentence("7f3a"))

    def test_without_a_detail_the_log_has_the_sentence(self) -> None:
        self.assertEqual(str(VMNotFound()), "The virtual machine was not found.")

    def test_a_sentence_can_be_given(self) -> None:
        self.assertEqual(VMNotFound("x", public="Gone.").sentence(), "Gone.")

    def test_an_administrator_is_named_with_an_id_where_only_one_can_help(self) -> None:
        self.assertEqual(
            HypervisorError("x", public="It broke.").sentence("7f3a"),
            "It broke. Ask your administrator, id 7f3a.",
        )

    def test_no_administrator_without_an_id(self) -> None:
        self.assertEqual(HypervisorError("x", public="It broke.").sentence(), "It broke.")

    def test_where_the_user_can_help_the_id_stands_behind_the_words(self) -> None:
        self.assertEqual(VMNotFound().sentence("7f3a"), f"{VMNotFound.public} (id 7f3a)")

    def test_every_refusal_names_its_id(self) -> None:
        for error in EVERY:
            self.assertRegex(error("x").sentence("7f3a0001"), r"\bid 7f3a0001[.)]$")

    def test_words_are_cut_for_a_limit_and_the_id_is_not(self) -> None:
        error = VMNotFound("x", public="Ä" * 100)
        self.assertEqual(error.sentence("7f3a0001", 29), "ÄÄÄÄÄÄÄ (id 7f3a0001)")
        self.assertEqual(error.sentence(limit=5), "ÄÄ")

    @given(st.text(), st.text())
    def test_no_detail_reaches_a_user(self, detail: str, session_id: str) -> None:
        for error in (VNCProxyError, BackendError, VMNotFound, NoGraphicalConsole):
            self.assertEqual(error(detail).sentence(session_id), error().sentence(session_id))


class UnavailableTests(SynchronousTestCase):
    def test_names_the_state(self) -> None:
        error = ConsoleUnavailable("shut off")
        self.assertEqual(error.sentence(), "The virtual machine is shut off.")
        self.assertEqual((error.state, error.detail), ("shut off", "shut off"))

    def test_may_have_a_detail_and_a_sentence_of_its_own(self) -> None:
        error = ConsoleUnavailable("paused", "reason 5", public="Wait.")
        self.assertEqual((error.sentence(), error.detail), ("Wait.", "reason 5"))

    def test_without_a_screen(self) -> None:
        error = NoGraphicalConsole("domain 3 has no graphics element")
        self.assertEqual(error.sentence(), "The virtual machine has no graphical console.")
        self.assertEqual(error.detail, "domain 3 has no graphics element")
        self.assertEqual(NoGraphicalConsole().detail, "without a graphical console")


class TreeTests(SynchronousTestCase):
    def test_is_drawn_in_the_docstring(self) -> None:
        drawn = set(re.findall(r"\b[A-Z][A-Za-z]+[a-z][A-Za-z]+\b", errors.__doc__ or ""))
        missing = {error.__name__ for error in EVERY} - drawn
        self.assertEqual(missing, set())

    def test_sentences_are_sentences(self) -> None:
        for error in EVERY:
            self.assertRegex(error.public, r"^[A-Z].*\.$", error.__name__)

    def test_sentences_fit_a_close_frame(self) -> None:
        for error in EVERY:
            size = len(error("detail").sentence("0123456789ab").encode())
            self.assertLessEqual(size, CLOSE_REASON_LIMIT, error.__name__)

    def test_statuses_are_those_of_http_errors(self) -> None:
        for error in EVERY:
            self.assertIn(error.status, range(400, 600), error.__name__)

    def test_close_codes_may_be_sent(self) -> None:
        for error in EVERY:
            allowed = error.close_code in (1000, 1002, 1011) or 4000 <= error.close_code < 4200
            self.assertTrue(allowed, error.__name__)

    def test_a_close_code_has_one_meaning(self) -> None:
        classes: dict[int, set[str]] = {}
        for error in EVERY:
            classes.setdefault(error.close_code, set()).add(error.__name__)

        shared = {code: names for code, names in classes.items() if len(names) > 1}
        self.assertEqual(shared, SHARED)

    def test_the_page_has_a_text_for_each_close_code_of_ours(self) -> None:
        source = (STATIC / "session" / "close-reasons.js").read_text()
        known = {int(code) for code in re.findall(r"^    (4\d{3}): \[", source, re.MULTILINE)}
        self.assertEqual(known, {e.close_code for e in EVERY if e.close_code >= 4000})

    def test_the_documentation_lists_each_close_code_with_its_words(self) -> None:
        rows = re.findall(r"^\| (\d{4}) \| ([^|]*) \|", EMBEDDING.read_text(), re.MULTILINE)
        listed = {
            (int(code), word) for code, text in rows for word in re.findall(r"`([a-z-]+)`", text)
        }
        words = {(error.close_code, error.code) for error in EVERY}
        self.assertEqual(listed, words)

    def test_words_for_the_log_are_plain(self) -> None:
        for error in EVERY:
            self.assertRegex(error.code, r"^[a-z]+(-[a-z]+)*$", error.__name__)

    def test_strangers_are_not_told_why_a_token_is_refused(self) -> None:
        answers = {(e.public, e.status, e.close_code) for e in tree(TokenRefused)}
        self.assertEqual(len(answers), 1)

    def test_the_log_is_told_why_a_token_is_refused(self) -> None:
        kinds = list(tree(TokenRefused))
        self.assertEqual(len({error.code for error in kinds}), len(kinds))

    def test_every_end_of_a_session_has_a_word_of_its_own(self) -> None:
        ends = list(tree(SessionEnded))
        self.assertEqual(len({error.code for error in ends}), len(ends))


class ZoneTests(SynchronousTestCase):
    def test_names_the_zone_where_it_is_known(self) -> None:
        self.assertEqual(
            ZoneUnreachable("x", zone="madrid").sentence(), "The zone madrid cannot be reached."
        )
        self.assertEqual(ZoneUnreachable("x").sentence(), "Another zone cannot be reached.")

    def test_every_one_names_it(self) -> None:
        for error in tree(ZoneError):
            assert issubclass(error, ZoneError)
            sentence = error("x", zone="madrid").sentence()
            self.assertRegex(sentence, r"^[A-Z].*\bmadrid\b.*\.$", error.__name__)

    def test_what_a_zone_says_has_the_kind_of_its_close_code(self) -> None:
        for code, kind in (
            (4010, errors.EndedByAdministrator),
            (4011, errors.TimeLimit),
            (4112, errors.IdleLimit),
            (4103, errors.ConsoleEnded),
            (4104, errors.ConsoleTaken),
            (4113, errors.ProxyStopping),
            (4116, errors.ProxyDraining),
            (4004, VMNotFound),
            (4100, ConsoleUnavailable),
            (4130, ConsoleUnavailable),
            (4009, NoGraphicalConsole),
            (4102, errors.OverLimit),
            (4115, errors.Busy),
            (4101, errors.ZoneSays),
            (4199, errors.ZoneSays),
            (0, errors.ZoneSays),
        ):
            with self.subTest(code=code):
                error = said_by_zone("madrid", code, "It is over.")
                self.assertIs(type(error), kind)
                self.assertEqual(error.sentence(), "The zone madrid says: It is over.")
                self.assertIn(f"zone madrid, close code {code}", error.detail)

    def test_a_machine_is_off_where_its_zone_says_so_and_not_for_any_other_reason(self) -> None:
        for code, is_off in ((4130, True), (4100, False), (4009, False)):
            error = said_by_zone("madrid", code, "It is over.")
            assert isinstance(error, ConsoleUnavailable)
            self.assertIs(error.is_off, is_off)

    def test_of_several_kinds_with_one_code_the_sentence_tells(self) -> None:
        for kind in (errors.ConnectionLost, errors.ConsoleMoved, errors.ConsoleEnded):
            self.assertIs(type(said_by_zone("madrid", 4103, kind.public)), kind)

    def test_a_zone_that_gives_no_reason(self) -> None:
        error = said_by_zone("madrid", 4101, "")
        self.assertEqual(error.sentence(), "The zone madrid closed the console.")
        self.assertEqual(said_by_zone("madrid", 4011, "").sentence(), errors.TimeLimit.public)
