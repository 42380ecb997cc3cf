"""Redis's settings, and how it may lose tokens."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.redis.persistence import losses, read_info

DURABLE = {"aof_enabled": "1", "maxmemory": "0", "maxmemory_policy": "noeviction"}


class LossesTests(SynchronousTestCase):
    def losses(self, *, fsync: str = "", save: str | None = None, **info: str) -> list[str]:
        config = {"appendfsync": fsync} if fsync else {}
        config.update({"save": save} if save is not None else {})
        return list(losses({**DURABLE, **info}, config))

    def test_append_only_file_loses_nothing_to_speak_of(self) -> None:
        for fsync in ("", "everysec", "always"):
            self.assertEqual(self.losses(fsync=fsync), [])

    def test_default_persistence(self) -> None:
        for save in (None, "3600 1 300 100"):
            (line,) = self.losses(save=save, aof_enabled="0")
            self.assertIn("appendonly no", line)
            self.assertIn("set appendonly yes, see docs/redis.md", line)

    def test_redis_that_keeps_nothing_makes_nothing_good_again(self) -> None:
        self.assertEqual(self.losses(save="", aof_enabled="0"), [])

    def test_append_only_file_that_is_never_flushed(self) -> None:
        (line,) = self.losses(fsync="no")
        self.assertIn("set everysec or always", line)

    def test_files_that_cannot_be_written(self) -> None:
        for field in ("aof_last_write_status", "rdb_last_bgsave_status"):
            (line,) = self.losses(**{field: "err"})
            self.assertIn("see its own log", line)

    def test_an_old_primary_that_goes_on_taking_changes(self) -> None:
        self.assertEqual(list(losses(DURABLE, {})), [])
        (line,) = losses(DURABLE, {}, has_sentinels=True)
        self.assertIn("set min-replicas-to-write 1", line)
        bounded = {**DURABLE, "min_slaves_good_slaves": "2"}
        self.assertEqual(list(losses(bounded, {}, has_sentinels=True)), [])

    def test_eviction(self) -> None:
        (line,) = self.losses(maxmemory="1000000", maxmemory_policy="allkeys-lru")
        self.assertIn("maxmemory-policy allkeys-lru", line)
        self.assertEqual(self.losses(maxmemory_policy="allkeys-lru"), [])

    def test_info_is_read_without_its_headings(self) -> None:
        text = "# Persistence\r\nloading:0\r\naof_enabled:1\r\n\r\n# Memory\r\nmaxmemory:0\r\n"
        self.assertEqual(read_info(text), {"loading": "0", "aof_enabled": "1", "maxmemory": "0"})
