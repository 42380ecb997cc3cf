from __future__ import annotations

import base64
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwcrypto import jwk
from jwcrypto import jwt as jwcrypto_jwt
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from websockify.token_plugins import JWTTokenApi

from tests.doubles.external_tokens import make_source, source_context
from vncproxy.errors import (
    BackendError,
    ConfigurationError,
    TokenExpired,
    TokenRefused,
    TokenUnknown,
)
from vncproxy.model import Grant, Once, VMAddress
from vncproxy.tokens.external.jwt import SignedTokens

SECRET = bytes(range(32))
KEY_TEXT = base64.urlsafe_b64encode(SECRET).decode().rstrip("=")


@cache
def private_keys() -> dict[str, Any]:
    return {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


def public_pem(private: Any) -> str:
    pem: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def private_pem(private: Any) -> str:
    pem: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token; those that are None are left out."""
    fields = {"host": "10.0.0.5", "port": 5901, "exp": int(time.time()) + 60, **changes}
    return {name: value for name, value in fields.items() if value is not None}


class JWTCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.context = source_context(time=time.time)

    def source(self, key: str = KEY_TEXT, **table: Any) -> Any:
        path = Path(self.mktemp()).resolve()
        path.write_text(key)
        return make_source(SignedTokens, self.context, key_file=path, **table)

    def token(self, key: Any = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
        return jwt.encode(claims(**changes), key, algorithm)

    def redeem(self, source: Any, token: str) -> Grant | None:
        found: Grant | None = self.successResultOf(Deferred.fromCoroutine(source.redeem(token)))
        return found

    def refusal(
        self, source: Any, token: str, kind: type[TokenRefused] = TokenUnknown
    ) -> TokenRefused:
        error = self.failureResultOf(Deferred.fromCoroutine(source.redeem(token)), kind).value
        assert isinstance(error, TokenRefused)
        self.assertNotIn(token, str(error))
        return error


class OwnMachineTests(JWTCase):
    def test_a_console_on_this_machine_is_refused_before_the_one_use_is_taken(self) -> None:
        token = self.token(host="127.0.0.1", jti="once")
        waiting = Deferred.fromCoroutine(self.source().redeem(token))
        error = self.failureResultOf(waiting, BackendError).value
        self.assertIn('addresses = { "127.0.0.1" = "127.0.0.1" }', error.detail)
        self.assertIsNotNone(self.redeem(self.source(addresses={"127.0.0.1": "127.0.0.1"}), token))


class AlgorithmTests(JWTCase):
    def test_a_secret(self) -> None:
        found = self.redeem(self.source(), self.token(sub="alice"))
        assert found is not None and found.endpoint is not None
        self.assertEqual(found.token.vm, VMAddress("old", "10.0.0.5:5901"))
        self.assertEqual(found.token.user, "alice")
        self.assertEqual((found.endpoint.host, found.endpoint.port), ("10.0.0.5", 5901))

    def test_public_keys(self) -> None:
        for algorithm, key in private_keys().items():
            with self.subTest(algorithm=algorithm):
                source = self.source(public_pem(key))
                self.assertIsNotNone(self.redeem(source, self.token(key, algorithm)))

    def test_the_key_and_not_the_header_decides_the_algorithm(self) -> None:
        key = private_keys()["RS256"]
        source = self.source(public_pem(key))
        header = {"alg": "HS256", "typ": "JWT"}
        parts = [
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
            for part in (header, claims())
        ]
        from hashlib import sha256
        from hmac import digest

        signature = digest(public_pem(key).encode(), b".".join(parts), sha256)
        forged = b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()
        self.assertIsNone(self.redeem(source, forged))

    def test_a_token_without_signature(self) -> None:
        self.assertIsNone(self.redeem(self.source(), self.token(None, "none")))

    def test_a_token_signed_with_another_key_may_be_of_another_source(self) -> None:
        self.assertIsNone(self.redeem(self.source(), self.token(b"x" * 32)))

    def test_a_token_that_is_none_of_these(self) -> None:
        self.assertIsNone(self.redeem(self.source(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))

    def test_rubbish_with_two_dots(self) -> None:
        self.assertIn("DecodeError", self.refusal(self.source(), "a.b.c").detail)

    def test_an_encrypted_token(self) -> None:
        key = jwk.JWK(k=KEY_TEXT, kty="oct")
        made = jwcrypto_jwt.JWT(header={"alg": "A256KW", "enc": "A256GCM"}, claims=claims())
        made.make_encrypted_token(key)
        error = self.refusal(self.source(), made.serialize())
        self.assertIn("encrypted (JWE), which is not supported", error.detail)

    def test_what_websockify_takes_is_taken(self) -> None:
        path = Path(self.mktemp()).resolve()
        path.write_text(KEY_TEXT)
        made = jwcrypto_jwt.JWT(header={"alg": "HS256"}, claims=claims())
        made.make_signed_token(jwk.JWK(k=KEY_TEXT, kty="oct"))
        token = made.serialize()
        self.assertEqual(JWTTokenApi(str(path)).lookup(token), ("10.0.0.5", 5901))
        found = self.redeem(make_source(SignedTokens, self.context, key_file=path), token)
        self.assertEqual(found and found.token.vm.vm, "10.0.0.5:5901")


class TimeTests(JWTCase):
    def test_over(self) -> None:
        error = self.refusal(self.source(), self.token(exp=int(time.time()) - 60), TokenExpired)
        self.assertIn("is over", error.detail)

    def test_not_yet(self) -> None:
        error = self.refusal(self.source(), self.token(nbf=int(time.time()) + 60))
        self.assertIn("nbf is not reached yet", error.detail)

    def test_clocks_may_differ_a_little(self) -> None:
        now = int(time.time())
        token = self.token(nbf=now + 20, exp=now + 60)
        self.assertIsNotNone(self.redeem(self.source(leeway=30), token))

    def test_no_end(self) -> None:
        self.assertIn("has no exp", self.refusal(self.source(), self.token(exp=None)).detail)

    def test_no_end_where_none_is_required(self) -> None:
        self.assertIsNotNone(self.redeem(self.source(require_exp=False), self.token(exp=None)))

    def test_an_end_that_is_no_time(self) -> None:
        token = jwt.api_jws.encode(
            b'{"host":"a","port":1,"exp":1e999}', SECRET, "HS256", {"typ": "JWT"}
        )
        self.refusal(self.source(), token)


class ClaimTests(JWTCase):
    def test_ports_in_digits(self) -> None:
        self.assertIsNotNone(self.redeem(self.source(), self.token(port="5901")))

    def test_ipv6(self) -> None:
        found = self.redeem(self.source(), self.token(host="2001:db8::7"))
        self.assertEqual(found and found.token.vm.vm, "[2001:db8::7]:5901")

    def test_no_console(self) -> None:
        for changes in ({"host": None}, {"port": None}, {"port": 0}, {"host": 5}):
            with self.subTest(changes=changes):
                error = self.refusal(self.source(), self.token(**changes))
                self.assertIn("names no console", error.detail)

    def test_audience_and_issuer_are_not_looked_at_unless_configured(self) -> None:
        self.assertIsNotNone(self.redeem(self.source(), self.token(aud="x", iss="y")))

    def test_audience_and_issuer(self) -> None:
        source = self.source(audience="console", issuer="portal")
        self.assertIsNotNone(self.redeem(source, self.token(aud=["console"], iss="portal")))
        for changes, words in (
            ({"aud": "x", "iss": "portal"}, "aud is for somebody else"),
            ({"aud": "console", "iss": "x"}, "iss is somebody else"),
            ({"aud": "console"}, "has no iss"),
        ):
            with self.subTest(words=words):
                self.assertIn(words, self.refusal(source, self.token(**changes)).detail)


class UserTests(JWTCase):
    def test_a_user_can_be_written_to_redis_whatever_json_can_hold(self) -> None:
        found = self.redeem(self.source(), self.token(sub="a\ud800b\0"))
        assert found is not None
        self.assertEqual(found.token.user, "a?b\0")
        found.token.user.encode()


class SingleUseTests(JWTCase):
    def once(self, source: Any = None, **changes: Any) -> Once | None:
        """Return what a token consumes."""
        grant = self.redeem(source or self.source(), self.token(**changes))
        assert grant is not None
        return grant.once

    def test_a_token_with_a_jti_is_good_once(self) -> None:
        one, again, other = (self.once(jti=jti) for jti in ("1", "1", "2"))
        assert one and again and other
        self.assertEqual(one.key, again.key)
        self.assertNotEqual(one.key, other.key)

    def test_other_tokens_are_good_until_they_end(self) -> None:
        self.assertIsNone(self.once())

    def test_it_can_be_switched_off(self) -> None:
        self.assertIsNone(self.once(self.source(single_use="never"), jti="1"))

    def test_it_can_be_demanded(self) -> None:
        error = self.refusal(self.source(single_use="always"), self.token())
        self.assertIn("has no jti and exp", error.detail)

    def test_without_an_end_it_cannot_be_remembered(self) -> None:
        source = self.source(require_exp=False)
        self.assertIn("no jti and exp", self.refusal(source, self.token(exp=None, jti="1")).detail)

    def test_it_is_remembered_for_longer_than_it_is_good(self) -> None:
        once = self.once(self.source(leeway=5), jti="1")
        assert once is not None
        self.assertTrue(64 < once.ttl < 67, once)


class KeyTests(JWTCase):
    def error(self, key: str) -> str:
        return str(self.assertRaises(ConfigurationError, self.source, key))

    def test_what_a_key_is_for_is_told(self) -> None:
        for key, words in (
            (KEY_TEXT + "\n", "a secret of 32 bytes (HS256, HS384, HS512)"),
            (public_pem(private_keys()["RS256"]), "RSA of 2048 bits (RS256"),
            (public_pem(private_keys()["ES256"]), "EC secp256r1 (ES256)"),
            (public_pem(private_keys()["EdDSA"]), "Ed25519 (EdDSA)"),
        ):
            with self.subTest(words=words):
                source = self.source(key)
                told = self.successResultOf(Deferred.fromCoroutine(source.probe()))
                self.assertIn(words, told)
                self.assertNotIn(key.strip(), told + repr(vars(source)))

    def test_a_private_key_belongs_elsewhere(self) -> None:
        for key in private_keys().values():
            self.assertIn("private key", self.error(private_pem(key)))

    def test_keys_that_cannot_be_used(self) -> None:
        weak = rsa.generate_private_key(65537, 1024)
        odd = ec.generate_private_key(ec.SECP256K1())
        for key, words in (
            ("", "neither PEM nor a secret in base64url"),
            ("horse battery", "neither PEM nor a secret in base64url"),
            ("a" * 41, "no base64url"),
            ("aaaa", "a secret of 3 bytes; at least 32 are safe"),
            (public_pem(weak), "1024 bits of RSA; at least 2048"),
            (public_pem(odd), "a key that is not RSA, EC"),
            ("-----BEGIN PUBLIC KEY-----\naaaa\n-----END PUBLIC KEY-----\n", "no public key"),
        ):
            with self.subTest(words=words):
                error = self.error(key)
                self.assertTrue(error.startswith("[token_sources.old] key_file: /"), error)
                self.assertIn(words, error)
                self.assertNotIn("horse", error)

    def test_a_file_that_is_not_there(self) -> None:
        error = self.assertRaises(
            ConfigurationError, make_source, SignedTokens, self.context, key_file="/nowhere/key"
        )
        self.assertIn("/nowhere/key cannot be read: No such file", error.detail)
