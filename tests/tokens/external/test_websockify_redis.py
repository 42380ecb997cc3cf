from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import SecretStr, ValidationError
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.doubles.external_tokens import make_source, source_context
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.config.redis import RedisSettings
from vncproxy.errors import BackendError, ConfigurationError, StoreUnavailable, TokenUnknown
from vncproxy.interfaces import ITokenSource
from vncproxy.model import Grant
from vncproxy.tokens.external.target import Target
from vncproxy.tokens.external.websockify_redis import RedisTokens, RedisTokensSettings, parse_value


class ValueTests(SynchronousTestCase):
    def test_both_forms(self) -> None:
        for value, expected in {
            b"a:5900": Target("a", 5900),
            b" a:5900\n": Target("a", 5900),
            b"[::1]:5900": Target("::1", 5900),
            b'{"host": "a:5900"}': Target("a", 5900),
            b'{"host": "[::1]:5900", "more": 1}\n': Target("::1", 5900),
        }.items():
            with self.subTest(value=value):
                self.assertEqual(parse_value(value), expected)

    def test_others_are_refused_without_being_told(self) -> None:
        for value, words in {
            b"horse": "no colon",
            b"\xff:1": "not UTF-8",
            b"{horse": "not JSON",
            b'{"host": 5}': 'no "host"',
            b'{"port": "horse:1"}': 'no "host"',
            b'{"a":' * 5000: "not JSON",
        }.items():
            with self.subTest(value=value[:20]):
                error = self.assertRaises(ValueError, parse_value, value)
                self.assertIn(words, str(error))
                self.assertNotIn("horse", str(error))

    @given(st.one_of(st.binary(max_size=40), st.binary(max_size=40).map(b"{".__add__)))
    def test_any_bytes_are_read_or_refused(self, value: bytes) -> None:
        try:
            parse_value(value)
        except ValueError as e:
            self.assertIs(type(e), ValueError)


class SettingsTests(SynchronousTestCase):
    def test_redis_is_reached_as_the_table_says(self) -> None:
        settings = RedisTokensSettings(
            host="r1", db=3, username="u", password=SecretStr("horse"), redis_tls=True
        )
        self.assertEqual(
            settings.redis(),
            RedisSettings(host="r1", db=3, username="u", password=SecretStr("horse"), tls=True),
        )
        self.assertNotIn("horse", repr(settings) + repr(settings.redis()))

    def test_the_colon_after_the_namespace_is_added(self) -> None:
        error = self.assertRaises(ValidationError, RedisTokensSettings, namespace="consoles:")
        self.assertIn("must not end with a colon", str(error))


class MemoryRedis:
    """Answers GET, in place of a connection to Redis."""

    def __init__(self, values: dict[str, bytes]) -> None:
        self._values = values

    async def run(self, operation: Callable[[MemoryRedis], Awaitable[Any]]) -> Any:
        return await operation(self)

    async def command(self, name: str, key: str) -> bytes | None:
        assert name == "GET"
        return self._values.get(key)


class ShortTests(SynchronousTestCase):
    def test_a_token_that_redis_has_and_that_could_be_guessed_is_refused_in_words(self) -> None:
        source = make_source(RedisTokens, source_context(MemoryReactorClock()))
        values = {"vm1": b"10.0.0.5:5900"}
        self.patch(source, "_link", MemoryRedis(values))

        refused = Deferred.fromCoroutine(source.redeem("vm1"))
        error = self.failureResultOf(refused, TokenUnknown).value
        self.assertIn("has 3 characters and could be guessed", error.detail)
        self.assertNotIn("vm1", error.detail)
        self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(source.redeem("vm2"))))


class OwnMachineTests(SynchronousTestCase):
    def redeem(self, value: bytes, **table: object) -> Deferred[Grant | None]:
        """Redeem a token of this value."""
        source = make_source(RedisTokens, source_context(MemoryReactorClock()), **table)
        self.patch(source, "_link", MemoryRedis({"x" * 16: value}))
        return Deferred.fromCoroutine(source.redeem("x" * 16))

    def test_loopback_is_refused_unless_addresses_name_it(self) -> None:
        for value in (b"127.0.0.1:5900", b'{"host": "localhost:5900"}', b"[::]:5900"):
            error = self.failureResultOf(self.redeem(value), BackendError).value
            self.assertIn("not dialled blindly", error.detail)
        mapped = self.redeem(b"localhost:5900", addresses={"localhost": "127.0.0.1"})
        self.assertIsNotNone(self.successResultOf(mapped))

    def test_a_unix_socket_is_on_this_machine_too(self) -> None:
        self.assertIsNone(self.successResultOf(self.redeem(b"unix_socket:/run/x")))
        allowed = self.redeem(b"unix_socket:/run/x", unix_sockets=True)
        self.assertIsNotNone(self.successResultOf(allowed))


class SourceTests(SynchronousTestCase):
    def test_it_keeps_the_interface(self) -> None:
        source = make_source(RedisTokens, source_context(MemoryReactorClock()))
        self.assertTrue(verifyObject(ITokenSource, source))
        self.assertEqual(source.warnings(), [])

    def test_no_answer_in_time(self) -> None:
        reactor = MemoryReactorClock()
        source = make_source(RedisTokens, source_context(reactor), timeout=1.0)
        waiting = Deferred.fromCoroutine(source.redeem("x" * 16))
        reactor.advance(1.0)
        error = self.failureResultOf(waiting, StoreUnavailable).value
        self.assertEqual(error.detail, "old: redis at 127.0.0.1:6379 does not answer in time")

    def test_authorities_that_cannot_be_read(self) -> None:
        error = self.assertRaises(
            ConfigurationError,
            make_source,
            RedisTokens,
            source_context(MemoryReactorClock()),
            redis_tls=True,
            ca_file="/nowhere/ca.pem",
        )
        self.assertIn("[token_sources.old] ", error.detail)
        self.assertIn("/nowhere/ca.pem cannot be used", error.detail)
