"""What check-config says about links."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.links.test_opening import ME, NOW, OTHER, FakeNeighbours
from vncproxy.errors import ZoneNotConnected
from vncproxy.links.neighbours import Alone, INeighbours
from vncproxy.links.report import report_dialling
from vncproxy.model import LinkState


class DiallingTests(SynchronousTestCase):
    def report(self, neighbours: INeighbours) -> Deferred[str]:
        return Deferred.fromCoroutine(report_dialling("madrid", neighbours))

    def test_links_to_running_proxies_are_counted(self) -> None:
        neighbours = FakeNeighbours()
        for worker_id, count in ((ME, 2), (OTHER, 1)):
            neighbours.announce(worker_id, madrid=LinkState("them", count, NOW))
        self.assertEqual(self.successResultOf(self.report(neighbours)), "has links to p (3)")

    def test_no_link_is_an_error_with_its_time(self) -> None:
        neighbours = FakeNeighbours()
        neighbours.announce(ME, madrid=LinkState("them", 0, NOW))
        neighbours.announce(OTHER, oslo=LinkState("them", 1, NOW))
        error = self.failureResultOf(self.report(neighbours), ZoneNotConnected).value
        self.assertIn("no link to any running proxy since 2027-01-15 08:00:00 UTC", error.detail)

    def test_without_redis_it_says_where_to_look(self) -> None:
        self.assertIn("GET /v1/proxies", self.successResultOf(self.report(Alone())))
