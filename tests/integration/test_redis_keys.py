"""Every key that the proxies write is documented, and ends by itself; every script compiles."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.components.redis_case import RedisCase, sleep
from tests.doubles.api import session
from tests.doubles.cluster import LocalSessions
from tests.tokens.store_contract import VM, good_once
from vncproxy.cluster.cluster import Cluster
from vncproxy.cluster.keys import ClusterKeys
from vncproxy.cluster.turns import Turns
from vncproxy.errors import EndedByAdministrator, OverLimit
from vncproxy.login.redis import RedisLogins
from vncproxy.model import (
    Announcement,
    ConsoleType,
    Identity,
    JoinKind,
    Joins,
    Limits,
    Policy,
    Rate,
    SessionFilter,
    SessionLease,
    Sharing,
    VMAddress,
    secret_id,
)
from vncproxy.portals.redis import RedisPortalStore
from vncproxy.redis.link import RedisLink
from vncproxy.review.redis import RedisReviewLinks
from vncproxy.together.redis import RedisMachineSessions
from vncproxy.tokens.redis import RedisTokenStore

ROW = re.compile(r"^\| `([a-z]+(?::[^`]*)?)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


WITHOUT_END = -1
"""What Redis says of the time of a key that does not end."""


def documented_keys() -> dict[str, re.Pattern[str]]:
    """Return the names in the table of docs/redis.md, and what they match."""
    page = (Path(__file__).parents[2] / "docs/redis.md").read_text()
    return {
        name: re.compile("vncproxy:" + re.sub(r"<[^>]+>|\*", ".+", name))
        for name in ROW.findall(page)
    }


def lua_texts() -> Iterator[tuple[str, str]]:
    """Yield each piece of Lua in the package, with the name of its constant."""
    top = Path(__file__).parents[2]
    for path in sorted(top.glob("vncproxy/**/*.py")):
        if "redis.call" in path.read_text():
            module = import_module(".".join(path.relative_to(top).with_suffix("").parts))
            for name, value in vars(module).items():
                if isinstance(value, str) and "redis.call" in value:
                    yield f"{module.__name__}.{name}", value


class ScriptTests(RedisCase):
    def test_redis_compiles_every_script(self) -> None:
        texts = dict(lua_texts())
        self.assertIn("vncproxy.together.scripts.DRIVE", texts)
        for name, text in texts.items():
            loaded = self.server.cli("script", "load", text).strip()
            self.assertEqual(loaded, hashlib.sha1(text.encode()).hexdigest(), name)


class KeyTests(RedisCase):
    async def do_everything(self, store: RedisTokenStore) -> None:
        """Do whatever a proxy does with Redis."""
        secrets = [await store.issue(self.token(policy=Policy(uses=2))) for _ in range(4)]
        viewer = await store.issue(self.token(type=ConsoleType.XVPVNC, user="bob"))
        grant = await store.redeem(secrets[0])
        await store.confirm(grant)
        await store.confirm(await store.redeem(secrets[0], grant.resume_secret))
        await store.confirm(await store.redeem(viewer))
        await store.restore(await store.redeem(secrets[1]))
        await store.redeem(secrets[2])
        await store.show(secret_id(secrets[2]))
        await store.revoke(secret_id(secrets[3]))
        await store.enter(good_once("jwt:issuer:1"))
        await self.take_part("1" * 16)
        lease = SessionLease("1", "1" * 16, "192.0.2.1", Limits())
        await store.redeem(await store.issue(self.token()), lease=lease)
        await self.open_alone(store)
        await self.join_and_drive(store)
        store.leases.held = lambda: [(lease, self.token())]
        await store.leases.renew(was_announced=False)
        await self.exceed_a_high_limit(store)
        await store.revoke_links_of_user("carol")
        await store.revoke_signer("portal")
        await self.serve_portals()
        await store.check()
        await store.ping()
        await store.losses()
        await store.revoke_user("bob")

    async def open_alone(self, store: RedisTokenStore) -> None:
        """Take a machine over from two sessions."""
        vm, taking = VMAddress("kvm", "db-01"), Policy(sharing=Sharing.TAKE_OVER)
        for n, policy in enumerate((Policy(), Policy(), taking)):
            lease = SessionLease(f"a{n}", "1" * 16, "192.0.2.1", Limits())
            await store.redeem(await store.issue(self.token(vm=vm, policy=policy)), lease=lease)

    async def join_and_drive(self, store: RedisTokenStore) -> None:
        """Join a session, and let the joining one drive."""
        vm, joins = VMAddress("kvm", "web-02"), Joins("1", JoinKind.GUEST, "alice")
        lease = SessionLease("j1", "1" * 16, "192.0.2.1", Limits())
        await store.redeem(await store.issue(self.token(vm=vm, joins=joins)), lease=lease)
        link = RedisLink(reactor, self.settings())
        self.addCleanup(lambda: Deferred.fromCoroutine(link.close()))
        machines = RedisMachineSessions(link, ClusterKeys(self.settings().prefix))
        self.assertEqual(await machines.drive(vm, lease.name, wants=True), lease.name)
        self.assertEqual(await machines.find(vm, "j1", joined=True), lease.name)
        self.assertEqual(await machines.find(vm, "j1"), "")
        self.assertEqual(await machines.give(vm, lease.name, "none/1"), "")

    async def serve_portals(self) -> None:
        """Do whatever a proxy keeps for API callers."""
        portals = RedisPortalStore(reactor, self.settings())
        self.addCleanup(lambda: Deferred.fromCoroutine(portals.close()))
        await portals.add_key("a" * 64, "portal", b"{}", 60)
        await portals.keys()
        await portals.note_uses({"a" * 64: 1.0})
        await portals.admit([Rate("key:portal", 60)])
        await portals.begin("c" * 64, "a" * 64, "b" * 64, "1")
        await portals.hold("picture:kvm/web-01", "1", 30)
        links = RedisReviewLinks(reactor, self.settings())
        self.addCleanup(lambda: Deferred.fromCoroutine(links.close()))
        await links.add("d" * 64, "1" * 16, "{}", 60, 60)
        logins = RedisLogins(reactor, self.settings())
        self.addCleanup(lambda: Deferred.fromCoroutine(logins.close()))
        await logins.add("e" * 64, "alice", "{}", 60)
        await logins.first("f" * 64, 60)

    async def exceed_a_high_limit(self, store: RedisTokenStore) -> None:
        names = [f"{'1' * 16}/{n}" for n in range(300)]
        self.server.cli("sadd", "vncproxy:live:user:alice", *names)
        self.server.cli("pexpire", "vncproxy:live:user:alice", "60000")
        lease = SessionLease("2", "1" * 16, "192.0.2.1", Limits(sessions_per_user=300))
        with self.assertRaises(OverLimit):
            await store.redeem(await store.issue(self.token()), lease=lease)

    async def take_part(self, worker_id: str) -> None:
        """Do whatever a process does in the cluster."""
        identity, sessions = Identity("2" * 16, worker_id, "proxy-1"), LocalSessions()
        cluster = Cluster(
            identity,
            self.settings(),
            sessions,
            lambda: Announcement(identity),
            self.make_store().revoked,
            lambda: None,
            reactor,
        )
        await cluster.presence.announce()
        cluster.publisher.opened(sessions.add(session("1")))
        await sleep(0.5)
        await cluster.sessions.end_where(EndedByAdministrator(), SessionFilter(user="nobody"))
        await cluster.sessions.list()
        await cluster.sessions.get("2")
        await Turns(cluster.link, cluster.keys, worker_id).take("prune:/srv", 60)

    async def test_every_key_is_documented_and_every_documented_one_is_written(self) -> None:
        words = ["redis-cli", "-s", self.server.path, "monitor"]
        path = Path(self.mktemp())
        with path.open("w") as output, subprocess.Popen(words, stdout=output) as monitor:
            await sleep(0.2)
            await self.do_everything(self.make_store())
            await sleep(0.2)
            monitor.terminate()
            monitor.wait(timeout=60)
        said = path.read_text()
        keys = set(re.findall(r'"(vncproxy:[^"]*[^":])"', said))
        documented = documented_keys()
        self.assertEqual(
            [k for k in keys if not any(p.fullmatch(k) for p in documented.values())], []
        )
        written = {n for n, p in documented.items() if any(p.fullmatch(k) for k in keys)}
        self.assertEqual(set(documented) - written, set())

    async def test_every_key_ends_by_itself(self) -> None:
        store = self.make_store()
        await self.do_everything(store)
        await store.issue(self.token())
        for key in self.server.cli("--scan").splitlines():
            self.assertNotEqual(int(self.server.cli("pttl", key)), WITHOUT_END, key)
        await store.revoke_vm(VM)
        for key in self.server.cli("--scan").splitlines():
            self.assertNotEqual(int(self.server.cli("pttl", key)), WITHOUT_END, key)
