"""Proxies that are cut off from Redis, or killed: what they missed, and what is left of them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any, ClassVar

from tests.components.cluster_case import ClusterCase, PairCase
from tests.components.forwarder import Forwarder
from tests.components.gateway import Gateway
from tests.components.viewer import Refused, Viewer


class CutOffTests(PairCase):
    """The second proxy reaches Redis by a way that can be cut."""

    way: ClassVar[Forwarder]

    @classmethod
    def start_pair(cls, kept: ClusterCase) -> tuple[Gateway, Gateway]:
        cls.way = Forwarder(kept.redis.port)
        kept.addCleanup(cls.way.cut)
        return kept.proxy("north"), kept.proxy("south", port=cls.way.port)

    def readiness(self, proxy: Gateway) -> tuple[int, str]:
        status, answer = proxy.call("GET", "/readyz")
        return status, answer["parts"]["sessions"]

    def cut(self) -> None:
        """Cut the second proxy off, and wait until it knows."""
        self.way.cut()
        self.until(lambda: self.readiness(self.south) == (503, "store-unavailable"))

    def heal(self) -> None:
        """Let it reach Redis again, and wait until it takes sessions."""
        self.way.heal()
        self.until(lambda: self.readiness(self.south) == (200, "ok"))

    def test_it_obeys_what_it_missed_before_it_takes_sessions(self) -> None:
        token_id, viewer = self.open(self.south)
        self.until_listed(self.north, 1)
        self.cut()

        status, answer = self.north.call("DELETE", f"/v1/tokens/{token_id}")

        self.assertEqual((status, answer["ended"]), (207, 0))
        self.assertEqual([each["name"] for each in answer["unconfirmed"]], ["south"])
        with self.assertRaises(Refused) as refused:
            Viewer.connect(self.south.xvp_port, "a" * 43)
        self.assertIn("503", str(refused.exception))
        self.assertEqual(self.south.audit("close"), [])
        self.heal()
        viewer.wait_for_end()
        self.assertEqual(self.south.audit_of("close")["reason"], "ended-by-administrator")
        _, again = self.open(self.south)
        again.close()

    def test_orders_that_are_lost_are_made_up_for(self) -> None:
        """By the state of tokens where those were revoked; else they are given again."""
        issued = self.north.issue("lab/web-01", type="xvpvnc", policy={"uses": 5})
        viewer = self.view(self.south, issued["token"])
        self.open(self.south, user="bob")
        _, carol = self.open(self.south, user="carol")
        self.until_listed(self.north, 3)
        self.cut()
        self.assertEqual(self.north.call("DELETE", f"/v1/tokens/{issued['id']}")[0], 207)
        self.assertEqual(self.north.call("DELETE", "/v1/sessions?user=carol")[0], 207)
        self.redis.cli("xtrim", "vncproxy:orders", "maxlen", "0")
        self.north.call("DELETE", "/v1/sessions?user=nobody")

        self.heal()

        self.open(self.south, user="carol")  # which is newer than the order
        viewer.wait_for_end()
        carol.wait_for_end()
        self.until_listed(self.north, 2)
        for user in ("alice", "carol"):
            reason = self.south.audit_of("close", user=user)["reason"]
            self.assertEqual(reason, "ended-by-administrator")
        self.assertEqual(len(self.south.audit("close")), 2)

    def test_a_subscription_that_is_killed_comes_back(self) -> None:
        for _ in range(3):
            self.redis.cli("client", "kill", "type", "pubsub")
            self.until(lambda: self.readiness(self.south) == (200, "ok"))
            token_id, viewer = self.open(self.south)

            self.north.call("DELETE", f"/v1/tokens/{token_id}")

            viewer.wait_for_end()

    def test_sessions_are_written_anew_when_redis_was_emptied(self) -> None:
        self.open(self.south)
        self.until_listed(self.north, 1)

        self.redis.cli("flushall")

        self.until(lambda: self.redis.cli("exists", "vncproxy:workers") == "1")
        self.until_listed(self.north, 1)
        self.assertEqual(self.north.call("DELETE", "/v1/sessions?user=alice"), (200, {"ended": 1}))


class KilledTests(ClusterCase):
    def test_its_sessions_vanish_and_are_closed_as_lost(self) -> None:
        audit = self.folder / "audit"
        log = f'[log]\naudit = "{audit}"\n'
        north, south, east = self.proxies_at_once(north=log, south=log, east=log)
        for proxy, user in ((north, "alice"), (south, "bob"), (south, "carol"), (east, "dora")):
            self.open(proxy, user=user)
        self.until_listed(north, 4)

        os.kill(south.pid, signal.SIGKILL)
        again = self.proxy("south-again", log)

        lost = [line for line in lines(audit) if line.get("reason") == "lost"]
        self.assertEqual(
            [(line["user"], line["proxy"]) for line in lost], [("bob", "south"), ("carol", "south")]
        )
        self.until_listed(again, 2)
        self.assertEqual([each["user"] for each in self.until_listed(north, 2)], ["alice", "dora"])
        for proxy in (north, east, again):
            proxy.terminate()
        by_session = [line["event"] for line in lines(audit)]
        self.assertEqual((by_session.count("open"), by_session.count("close")), (4, 4))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
