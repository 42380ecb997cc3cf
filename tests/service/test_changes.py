"""Which options differ, and which of them need a restart."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.nova import Keystone
from vncproxy.config.settings import Listen, Proxy, Public, Redis, Settings, Tokens
from vncproxy.model import Limits
from vncproxy.service.changes import changed_options, needs_restart


class RestartTests(SynchronousTestCase):
    def named(self, old: Settings, new: Settings) -> list[str]:
        return [line.partition(" is only read")[0] for line in needs_restart(old, new)]

    def test_what_can_be_reloaded_is_not_named(self) -> None:
        new = Settings(
            public=Public(base_url="https://x.example.com/"),
            limits=Limits(sessions=7),
            tokens=Tokens(ttl=5, max_ttl=10),
        )

        self.assertEqual(self.named(Settings(), new), [])

    def test_tables_that_come_and_go(self) -> None:
        keystone = Settings(keystone=Keystone(cloud="mine"))
        for old, new in ((Settings(), keystone), (keystone, Settings())):
            self.assertEqual(self.named(old, new), [])
            self.assertEqual(changed_options(old, new), [])

    def test_what_needs_a_restart_is_named(self) -> None:
        new = Settings(
            proxy=Proxy(name="other"),
            listen=Listen(web=("tcp:1",), api=()),
            tokens=Tokens(store="redis"),
        )

        self.assertEqual(
            self.named(Settings(), new),
            ["[proxy] name", "[listen] web", "[listen] api", "[tokens] store"],
        )

    def test_with_workers_an_upgrade_is_enough_but_for_listeners(self) -> None:
        old = Settings(proxy=Proxy(supervisor=True))
        new = Settings(proxy=Proxy(supervisor=True, workers=2), listen=Listen(api=()))

        workers, api = needs_restart(old, new)

        self.assertIn("[proxy] workers is only read at the start: replace the workers", workers)
        self.assertIn("[listen] api is only read at the start: restart the proxy", api)

    def test_redis_counts_only_where_it_is_used(self) -> None:
        def using(store: Any, port: int) -> Settings:
            return Settings(tokens=Tokens(store=store), redis=Redis(port=port))

        self.assertEqual(self.named(using("memory", 1), using("memory", 2)), [])
        self.assertEqual(self.named(using("redis", 1), using("redis", 2)), ["[redis] port"])
