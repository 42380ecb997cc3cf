"""Logging in to Redis, and TLS to it."""

from __future__ import annotations

from typing import Any

from tests.components.ports import free_port
from tests.components.redis_case import RedisCase, documented
from vncproxy.errors import (
    ConfigurationError,
)
from vncproxy.tokens.redis import RedisSettings

ACL = (
    "user default on nopass ~* &* +@all",
    "user short on >pw ~vncproxy:* -@all +eval +evalsha +time +get +hgetall",
)


class LogInTests(RedisCase):
    server_options = {"acl": ACL}

    async def test_wrong_password_is_named_and_never_shown(self) -> None:
        store = self.make_store(username="short", password="s3cret-typo")
        for _ in range(2):
            detail = await self.failure(store.ping())
            self.assertIn("refuses the log-in: check redis.username and redis.password", detail)
            self.assertNotIn("s3cret-typo", detail)
        self.assertNotIn("s3cret-typo", repr(vars(store._link)))

    async def test_corrected_user_works_without_a_new_store(self) -> None:
        store = self.make_store(username="late", password="pw")
        await self.failure(store.ping())
        self.server.cli("acl", "setuser", "late", "on", ">pw", "~*", "&*", "+@all")
        self.assertIn("redis 7", await store.ping())

    async def test_lack_of_a_permission_is_named(self) -> None:
        detail = await self.failure(self.make_store(username="short", password="pw").ping())
        self.assertIn("denies a permission, docs/redis.md has an ACL that suffices", detail)
        self.assertIn("SET", detail)

    async def test_a_missing_permission_of_the_cluster_is_named(self) -> None:
        acl = documented("", "user vncproxy on").splitlines()[0].split()[1:]
        self.server.cli("acl", "setuser", *acl)
        for less, again, named in (
            ("-xadd", "+xadd", "XADD"),
            ("-subscribe", "+subscribe", "subscribe"),
            ("resetchannels", "&vncproxy:orders", "PUBLISH"),
        ):
            with self.subTest(less=less):
                self.server.cli("acl", "setuser", "vncproxy", less)
                store = self.make_store(username="vncproxy", password="CHANGE-ME")
                detail = await self.failure(store.ping())
                self.assertIn("denies a permission", detail)
                self.assertIn(named, detail)
                self.server.cli("acl", "setuser", "vncproxy", again)
        self.server.cli("acl", "setuser", "vncproxy", "&vncproxy:acks:*")
        await self.make_store(username="vncproxy", password="CHANGE-ME").ping()

    async def test_foreign_prefix_is_a_lack_of_permission(self) -> None:
        store = self.make_store(username="short", password="pw", prefix="other:")
        self.assertIn("denies a permission", await self.failure(store.redeem("x")))

    async def test_missing_database_is_named(self) -> None:
        self.assertIn("check redis.db", await self.failure(self.make_store(db=99).ping()))


class PasswordTests(RedisCase):
    server_options = {"password": "pw"}

    async def test_password_without_a_user_is_enough(self) -> None:
        self.assertIn("redis 7", await self.make_store(password="pw").ping())

    async def test_missing_password_is_named(self) -> None:
        detail = await self.failure(self.make_store().ping())
        self.assertIn("asks for a log-in: set redis.password", detail)

    async def test_wrong_password_is_named(self) -> None:
        detail = await self.failure(self.make_store(password="wrong").ping())
        self.assertIn("check redis.username and redis.password", detail)


class NeedlessPasswordTests(RedisCase):
    async def test_needless_password_is_named(self) -> None:
        detail = await self.failure(self.make_store(password="pw").ping())
        self.assertIn("leave redis.password empty", detail)

    async def test_ping_names_version_and_place(self) -> None:
        version = self.server.cli("info", "server").partition("redis_version:")[2].split()[0]
        self.assertEqual(
            await self.make_store().ping(), f"redis {version} at 127.0.0.1:{self.server.port}"
        )

    async def test_ping_leaves_nothing_behind(self) -> None:
        await self.make_store().ping()
        self.assertEqual(self.server.cli("--scan"), "")

    async def test_replica_is_named(self) -> None:
        self.server.cli("replicaof", "127.0.0.1", str(free_port()))
        try:
            detail = await self.failure(self.make_store().ping())
        finally:
            self.server.cli("replicaof", "no", "one")
        self.assertIn("redis.host must name the primary", detail)

    async def test_unix_socket(self) -> None:
        store = self.make_store(path=self.server.path, port=1)
        self.assertIn(f"at {self.server.path}", await store.ping())

    async def test_missing_unix_socket_is_named(self) -> None:
        store = self.make_store(path=self.server.path + "x")
        self.assertIn("cannot be reached: ", await self.failure(store.ping()))

    async def test_unknown_host_is_named(self) -> None:
        detail = await self.failure(self.make_store(host="redis.invalid").ping())
        self.assertIn("redis at redis.invalid:", detail)

    async def test_server_of_another_kind_is_not_waited_for(self) -> None:
        store = self.make_store(tls=True, timeout=1.5)
        self.assertIn("redis at", await self.failure(store.ping()))


class TLSTests(RedisCase):
    server_options = {"tls": True}

    def settings(self, **changes: Any) -> RedisSettings:
        secure = {"port": self.server.tls_port, "tls": True, "ca_file": self.server.ca_file}
        return super().settings(**{"host": "localhost", **secure, **changes})

    async def test_verified_server_is_used(self) -> None:
        store = self.make_store()
        await store.redeem(await store.issue(self.token()))

    async def test_server_name_may_differ_from_the_host(self) -> None:
        store = self.make_store(host="127.0.0.1", server_name="localhost")
        self.assertIn("redis 7", await store.ping())

    async def test_certificate_for_another_name_is_refused(self) -> None:
        detail = await self.failure(self.make_store(host="127.0.0.1").ping())
        self.assertIn("another name: check redis.server_name", detail)

    async def test_unknown_authority_is_refused(self) -> None:
        detail = await self.failure(self.make_store(ca_file="").ping())
        self.assertIn("cannot be trusted: check redis.tls and redis.ca_file", detail)

    async def test_password_is_not_sent_to_a_server_that_is_not_trusted(self) -> None:
        await self.failure(self.make_store(ca_file="", password="pw").ping())
        self.assertNotIn("cmdstat_auth", self.server.cli("info", "commandstats"))

    async def test_plain_call_to_a_tls_port_fails(self) -> None:
        detail = await self.failure(self.make_store(tls=False).ping())
        self.assertIn("closed the connection", detail)

    async def test_hanging_server_fails_in_time_and_is_used_again(self) -> None:
        store = self.make_store(timeout=3.0)
        await store.ping()
        self.server.pause()
        try:
            await self.failure(store.ping())
        finally:
            self.server.resume()
        self.assertIn("redis 7", await store.ping())

    def test_unusable_file_of_authorities_is_a_mistake_in_the_configuration(self) -> None:
        for ca_file in ("/does/not/exist", __file__):
            with self.assertRaises(ConfigurationError) as caught:
                self.make_store(ca_file=ca_file)
            self.assertIn("redis.ca_file", caught.exception.detail)
