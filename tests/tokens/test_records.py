"""Records are read as they were written, and what would have to be ignored is refused."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.model import Clipboard, ConsoleType, Mode, Policy, Token, Visit, VMAddress
from vncproxy.origins import allows
from vncproxy.tokens.records import MalformedRecord, decode, encode


def record(policy: Policy) -> bytes:
    token = Token(VMAddress("kvm", "web-01"), "alice", ConsoleType.NOVNC, policy, 1.0, 601.0)
    return encode(token)


class DecodeTests(SynchronousTestCase):
    def test_a_policy_that_is_enforced_is_read(self) -> None:
        policy = Policy(max_duration=60, idle_timeout=5, uses=3)

        self.assertEqual(decode(record(policy)).policy, policy)

    def test_times_that_cannot_be_are_refused_with_their_member_and_not_their_value(self) -> None:
        for policy, member in (
            (Policy(hours=("mon 08:00-18:00 UTC", "mon 8-18 UTC")), "policy.hours.1: has to have"),
            (Policy(hours=("mon 08:00-18:00 Secret/Zone",)), "policy.hours.0: has to end with"),
            (Policy(not_before=5.0, not_after=5.0), "policy.not_after: has to be after not_before"),
        ):
            error = self.assertRaises(MalformedRecord, decode, record(policy))
            self.assertIn(member, str(error))
            self.assertNotIn("Secret", str(error))

    def test_origins_get_their_normal_form(self) -> None:
        written = ("HTTPS://Portal.Example:443/", "https://Münze.example", "https://*.A.example")
        read = decode(record(Policy(allowed_origins=written))).policy.allowed_origins

        self.assertEqual(
            read,
            ("https://portal.example", "https://xn--mnze-0ra.example", "https://*.a.example"),
        )

    def test_an_origin_that_cannot_be_read_stands_for_nothing(self) -> None:
        for text in ("portal.example", "*", "https://*", "https://portal.example/path", ""):
            read = decode(record(Policy(allowed_origins=(text,)))).policy.allowed_origins

            self.assertFalse(allows(read, "https://portal.example"), text)

    def test_a_record_without_a_word_on_confirm_is_one_that_earlier_proxies_read(self) -> None:
        self.assertNotIn(b"confirm", record(Policy()))
        self.assertIsNone(decode(record(Policy())).policy.confirm)
        for chosen in (True, False):
            self.assertIs(decode(record(Policy(confirm=chosen))).policy.confirm, chosen)

    def test_only_a_token_for_another_zone_has_the_session_there(self) -> None:
        self.assertNotIn(b"visit", record(Policy()))
        visit = Visit("paris", "7f3a", ("oslo", "paris"))
        token = Token(
            VMAddress("kvm", "a"), "alice", ConsoleType.XVPVNC, Policy(), 1.0, 31.0, visit
        )
        self.assertEqual(decode(encode(token)), token)

    def test_a_policy_about_messages_is_written_where_it_restricts_them(self) -> None:
        self.assertNotIn(b"clipboard", record(Policy(mode=Mode.VIEW_ONLY)))
        for policy in (
            Policy(mode=Mode.VIEW_ONLY),
            Policy(clipboard=Clipboard.FROM_GUEST, clipboard_limit=4096),
        ):
            self.assertEqual(decode(record(policy)).policy, policy)
        wrong = record(Policy(clipboard_limit=5)).replace(b":5,", b":0,").replace(b":5}", b":0}")
        self.assertRaises(MalformedRecord, decode, wrong)

    def test_a_restriction_that_is_not_enforced_is_refused_by_its_name(self) -> None:
        policy = Policy(exclusive_at_server=True)
        error = self.assertRaises(MalformedRecord, decode, record(policy))
        self.assertIn("policy.exclusive_at_server: true is not enforced", str(error))
