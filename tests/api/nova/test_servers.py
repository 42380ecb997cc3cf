"""What is remembered of the machines of callers."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.api import Listing
from vncproxy.api.caller import Caller
from vncproxy.api.machine_lists import MachineLists
from vncproxy.api.nova.owners import MachineOwners
from vncproxy.api.nova.servers import REMEMBERED, Servers
from vncproxy.api.permissions import Permissions
from vncproxy.model import VMPatterns


class RememberedTests(SynchronousTestCase):
    def test_lists_are_dropped_once_they_are_not_reused(self) -> None:
        """Every key with patterns of its own has lists of its own."""
        clock, backends = Clock(), {"kvm": Listing("kvm", {"web-01": "running"})}
        permissions = Permissions(backends)
        lists = MachineLists(backends, permissions, clock)
        servers = Servers(lists, MachineOwners(backends, permissions, clock), clock.seconds)
        callers = [
            Caller(
                f"key {number}", frozenset(), vms=VMPatterns.parse(["kvm/web-01", f"x/{number}"])
            )
            for number in range(20)
        ]
        for caller in callers:
            found = Deferred.fromCoroutine(servers.find(caller, "kvm/web-01"))
            self.assertEqual(self.successResultOf(found).machine.name, "web-01")
        self.assertEqual(len(servers._recent), 20)

        clock.advance(REMEMBERED)
        self.successResultOf(Deferred.fromCoroutine(servers.find(callers[0], "kvm/web-01")))
        self.assertEqual(len(servers._recent), 1)
