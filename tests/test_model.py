"""What is said about values: how they are read, shown and kept secret."""

from __future__ import annotations

import re
import time
from dataclasses import FrozenInstanceError

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import BadRequest
from vncproxy.model import (
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    HTTPConnect,
    Mode,
    Policy,
    RFBSecurity,
    Sharing,
    Token,
    Transport,
    VMAddress,
    VMPatterns,
    check_secret,
    new_secret,
    secret_id,
)

SECRET = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"


def token() -> Token:
    return Token(VMAddress("kvm", "web-01"), "alice", ConsoleType.NOVNC, Policy(), 1.0, 2.0)


class VMAddressTests(SynchronousTestCase):
    def test_is_backend_and_id(self) -> None:
        self.assertEqual(VMAddress.parse("kvm/web-01"), VMAddress("kvm", "web-01"))

    def test_the_id_may_hold_slashes(self) -> None:
        self.assertEqual(VMAddress.parse("esx/dc1/vm/web"), VMAddress("esx", "dc1/vm/web"))

    def test_the_id_may_be_in_any_script(self) -> None:
        self.assertEqual(VMAddress.parse("kvm/b\xfcro \u65e5\u672c").vm, "b\xfcro \u65e5\u672c")

    def test_is_shown_as_it_is_written(self) -> None:
        self.assertEqual(str(VMAddress("esx", "dc1/vm/web")), "esx/dc1/vm/web")

    def test_longest_parts(self) -> None:
        text = "b" * 64 + "/" + "v" * 255
        self.assertEqual(str(VMAddress.parse(text)), text)

    def test_parts_that_are_missing_or_too_long(self) -> None:
        for text in ("", "kvm", "kvm/", "/web", "/", "b" * 65 + "/v", "b/" + "v" * 256):
            self.assertRaises(ValueError, VMAddress.parse, text)

    def test_backends_have_plain_names(self) -> None:
        for backend in ("k vm", "-kvm", ".kvm", "k\xfcm", "kvm\n"):
            self.assertRaises(ValueError, VMAddress.parse, f"{backend}/web")

    def test_ids_without_characters_that_break_a_line_or_cannot_be_stored(self) -> None:
        for character in "\0\n\r\x1b\x7f\x85\x9b\u2028\u2029\udce9":
            self.assertRaises(ValueError, VMAddress.parse, f"kvm/a{character}b")

    @given(st.text(max_size=300))
    def test_what_is_read_is_shown_unchanged(self, text: str) -> None:
        try:
            address = VMAddress.parse(text)
        except ValueError:
            return
        self.assertEqual(str(address), text)
        self.assertEqual(len(text.splitlines()), 1)
        self.assertTrue(text.encode())


class SecretTests(SynchronousTestCase):
    def test_new_ones_are_256_bits_and_differ(self) -> None:
        secrets = {new_secret() for _ in range(100)}
        self.assertEqual(len(secrets), 100)
        self.assertEqual({len(secret) for secret in secrets}, {43})

    def test_new_ones_are_well_formed(self) -> None:
        secret = new_secret()
        self.assertEqual(check_secret(secret), secret)

    def test_the_id_is_the_sha_256(self) -> None:
        self.assertEqual(
            secret_id("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        )

    def test_those_of_other_issuers(self) -> None:
        for secret in ("vm1", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "e30.e30.x", "x" * 4096):
            self.assertEqual(check_secret(secret), secret)

    def test_those_that_are_not_well_formed(self) -> None:
        for secret in ("", "x" * 4097, "x" * 20 + "\n", "x" * 20 + "=", "\xe9" * 20):
            error = self.assertRaises(BadRequest, check_secret, secret)
            self.assertEqual(error.detail, f"token of {len(secret)} characters is not well formed")

    @given(st.text(max_size=600))
    def test_only_url_safe_ones_pass(self, secret: str) -> None:
        try:
            check_secret(secret)
        except BadRequest as e:
            self.assertEqual(e.status, 400)
        else:
            self.assertTrue(re.fullmatch(r"[A-Za-z0-9_.-]+", secret))


class EndpointTests(SynchronousTestCase):
    def test_is_shown_by_its_place(self) -> None:
        for endpoint, text in (
            (ConsoleEndpoint(Transport.TCP, host="kvm1", port=5900), "tcp:kvm1:5900"),
            (ConsoleEndpoint(Transport.TCP, host="::1", port=5901), "tcp:[::1]:5901"),
            (ConsoleEndpoint(Transport.UNIX, path="/run/vm.sock"), "unix:/run/vm.sock"),
            (ConsoleEndpoint(Transport.FD, fd=7), "fd passed by the hypervisor"),
        ):
            self.assertEqual(str(endpoint), text)

    def test_speaks_rfb_without_a_password_unless_told_otherwise(self) -> None:
        self.assertEqual(ConsoleEndpoint(Transport.TCP).handshakes, (RFBSecurity(None),))

    def test_shows_no_secret(self) -> None:
        handshakes = (
            HTTPConnect(f"/vm?session_id={SECRET}", (("X", SECRET),)),
            RFBSecurity(SECRET),
        )
        endpoint = ConsoleEndpoint(Transport.TCP, host="xen1", port=80, handshakes=handshakes)
        self.assertNotIn(SECRET, repr(endpoint) + str(endpoint))


class GrantTests(SynchronousTestCase):
    def test_shows_no_secret(self) -> None:
        self.assertNotIn(SECRET, repr(Grant("id", token(), 1.0, resume_secret=SECRET)))

    def test_cannot_be_changed(self) -> None:
        grant = Grant("id", token(), 1.0)
        self.assertRaises(FrozenInstanceError, setattr, grant, "resumed", True)


class PolicyTests(SynchronousTestCase):
    def test_lets_one_user_in_once_without_further_conditions(self) -> None:
        policy = Policy()
        self.assertEqual(policy.uses, 1)
        self.assertEqual((policy.client_networks, policy.allowed_origins), ((), ()))

    def test_what_is_said_when_nothing_is_said_is_enforced(self) -> None:
        self.assertIsNone(Policy().not_enforced())

    def test_a_part_that_is_not_enforced_is_named_with_its_value(self) -> None:
        self.assertIsNone(Policy(mode=Mode.VIEW_ONLY).not_enforced())
        self.assertIsNone(Policy(sharing=Sharing.TAKE_OVER).not_enforced())
        self.assertIsNone(Policy(sharing=Sharing.ONE_DRIVER).not_enforced())

    def test_a_session_that_waits_takes_no_machine_from_others(self) -> None:
        part = Policy(sharing=Sharing.TAKE_OVER, approval=1).not_enforced()
        self.assertEqual(part, ("sharing", "take-over with approval"))
        part = Policy(sharing=Sharing.TAKE_OVER, banner="Read this.").not_enforced()
        self.assertEqual(part, ("sharing", "take-over with banner"))


def accepts(pattern: str, address: str, fixed: str | None = None) -> bool:
    vm = VMAddress.parse(address)
    return VMPatterns.parse([pattern]).accepts(vm, vm.vm if fixed is None else fixed)


class VMPatternTests(SynchronousTestCase):
    def test_what_a_pattern_accepts(self) -> None:
        for pattern, address, right in (
            ("*", "kvm/web-01", True),
            ("kvm/web-01", "kvm/web-01", True),
            ("kvm/web-*", "kvm/web-01", True),
            ("kvm/web-*", "kvm/web-", True),
            ("kvm/web-*", "kvm/WEB-01", False),
            ("kvm/web-*", "kvm/db-01", False),
            ("kvm/web-*", "kvm/my-web-01", False),
            ("kvm/web-*", "kvm/web-01/disk", False),
            ("kvm/*-a-*-b", "kvm/x-a-y-a-z-b", True),
            ("kvm/*-a-*-b", "kvm/x-a-b", False),
            ("kvm-*/web", "kvm-2/web", True),
            ("*/web", "kvm/web", True),
            ("kvm/*", "kvm/a/b", False),
            ("kvm/**", "kvm/a/b", True),
            ("madrid/kvm/**", "madrid/kvm/web-01", True),
            ("madrid/kvm/**", "madrid/esx/web-01", False),
            ("kvm/[ab]?.x", "kvm/[ab]?.x", True),
            ("kvm/[ab]?.x", "kvm/aXYx", False),
            ("kvm/web-01", "kvm/web-*", False),
            ("kvm/a.c", "kvm/abc", False),
        ):
            self.assertEqual(accepts(pattern, address), right, (pattern, address))

    def test_a_name_matches_the_whole_backend_alone(self) -> None:
        for pattern, right in (
            ("*", True),
            ("kvm/*", True),
            ("kvm/**", True),
            ("*/*", True),
            ("kvm/web-*", False),
            ("kvm/web-01", False),
            ("kvm/*01", False),
        ):
            self.assertEqual(accepts(pattern, "kvm/web-01", fixed=""), right, pattern)

    def test_what_follows_a_fixed_part_is_left_open(self) -> None:
        for pattern, right in (
            ("madrid/**", True),
            ("madrid/kvm/*", True),
            ("madrid/kvm/**", True),
            ("madrid/esx/**", False),
            ("madrid/kvm/web-*", False),
            ("madrid/kvm/web-01", False),
        ):
            self.assertEqual(accepts(pattern, "madrid/kvm/web-01", fixed="kvm/"), right, pattern)
        self.assertFalse(accepts("madrid/kvm/a/**", "madrid/kvm/a/b", fixed="kvm/"))

    def test_what_is_no_pattern(self) -> None:
        for text in ("", "kvm", "kvm/", "/web", "kvm//x", "k**/x", "kvm/**/x", "kvm/a**", "a/\n"):
            self.assertRaises(ValueError, VMPatterns.parse, [text])
        self.assertRaises(ValueError, VMPatterns.parse, ["kvm/*"] * 257)
        self.assertRaises(ValueError, VMPatterns.parse, ["kvm/" + "x" * 320])

    def test_the_backends_that_it_touches(self) -> None:
        patterns = VMPatterns.parse(["kvm-*/web", "esx/**"])

        touched = [name for name in ("kvm", "kvm-1", "esx", "esx2") if patterns.touches(name)]
        self.assertEqual(touched, ["kvm-1", "esx"])

    def test_no_text_takes_long(self) -> None:
        pattern = "kvm/" + "*a" * 100 + "*b"
        before = time.process_time()

        self.assertFalse(accepts(pattern, "kvm/" + "a" * 255))

        self.assertLess(time.process_time() - before, 1)
