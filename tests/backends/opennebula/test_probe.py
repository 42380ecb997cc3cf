"""What a check finds out about a cloud before a user does."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from zope.interface.verify import verifyObject

from tests.components.fake_oned import VM
from tests.doubles.opennebula import HOME, SESSION, OpenNebulaCase
from vncproxy.backends.opennebula.settings import OpenNebulaSettings
from vncproxy.interfaces import IHasWarnings, NamesOtherBackends

HERE = {"hv1": "127.0.0.1"}


def vnc(port: int, listen: str = "0.0.0.0") -> dict[str, object]:
    return {"TYPE": "VNC", "LISTEN": listen, "PORT": port}


class ReachTests(OpenNebulaCase):
    def setUp(self) -> None:
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.port = self.listener.getsockname()[1]

    def told(self, **table: object) -> list[str]:
        """Return the warnings after a probe."""
        backend = self.backend(addresses=HERE, **table)
        self.result(backend.probe())
        return [each for each in backend.warnings() if "unencrypted" not in each]

    def test_a_console_that_can_be_dialled_is_not_told(self) -> None:
        self.oned.add(VM(7, graphics=vnc(self.port)))
        self.assertEqual(self.told(), [])

    def test_one_that_cannot_is(self) -> None:
        self.listener.close()
        self.oned.add(VM(7, graphics=vnc(self.port)))
        self.assertEqual(
            self.told(),
            [
                f"the console of VM 7 at 127.0.0.1, port {self.port}, cannot be reached: "
                "Connection refused"
            ],
        )

    def test_one_console_of_each_host_is_dialled(self) -> None:
        self.oned.add(VM(7, graphics=vnc(self.port)))
        self.oned.add(VM(8, graphics=vnc(1)))
        self.assertEqual(self.told(), [])

    def test_a_host_whose_name_cannot_be_resolved(self) -> None:
        self.oned.add(VM(7, history=((0, "hv9.invalid", 9, "kvm"),)))
        (told,) = self.told()
        self.assertIn("VM 7 at hv9.invalid, port 5907, cannot be reached: ", told)

    def test_a_console_that_is_not_dialled_is_told_with_what_helps(self) -> None:
        self.oned.add(VM(7, history=((0, "hv2", 2, "kvm"),), graphics=vnc(5907, "127.0.0.1")))
        (told,) = self.told()
        self.assertIn("listens on 127.0.0.1 of its host hv2", told)

    def test_what_shows_no_screen_or_runs_elsewhere_is_left_out(self) -> None:
        self.oned.add(VM(7, state=8, lcm_state=0))
        self.oned.add(VM(8, graphics=None))
        self.oned.add(VM(9, history=((0, "hybrid", 5, "one"),)))
        self.assertEqual(self.told(), [])

    def test_a_machine_whose_vcenter_cannot_be_told_is_a_warning_once_for_each_host(self) -> None:
        for number in (10, 11):
            self.oned.add(VM(number, deploy_id="vm-69", history=((0, "cluster", 6, "vcenter"),)))
        (told,) = self.told(vcenter="vsphere")
        self.assertIn("VM 10: DEPLOY_ID 'vm-69' is an id of every vCenter", told)
        self.assertEqual(self.told(vcenter={"cluster": "vsphere"}), [])
        (missing,) = self.told()
        self.assertIn("set vcenter to the NAME of the backend", missing)


class WarningTests(OpenNebulaCase):
    def warnings(self, **table: object) -> list[str]:
        return [*self.backend(**table).warnings()]

    def test_it_has_the_interfaces(self) -> None:
        self.assertTrue(verifyObject(IHasWarnings, self.backend()))

    def test_a_password_in_clear_text_unless_it_stays_here(self) -> None:
        self.assertEqual(
            self.warnings(), [f"the password travels unencrypted to {HOME}: use https"]
        )
        self.assertEqual(self.warnings(endpoint="http://localhost:2633/RPC2"), [])
        self.assertEqual(self.warnings(endpoint="https://one.example.com/RPC2"), [])

    def test_of_further_servers_and_of_clouds_behind_hybrid_hosts_too(self) -> None:
        told = self.warnings(
            endpoint="https://one.example.com/RPC2",
            servers=["http://10.0.0.2:2633/RPC2"],
            remotes={"away": {"endpoint": "http://10.9.0.2:2633/RPC2"}},
        )
        self.assertEqual(
            [each.partition("unencrypted to ")[2] for each in told],
            ["http://10.0.0.2:2633/RPC2: use https", "http://10.9.0.2:2633/RPC2: use https"],
        )
        self.assertTrue(told[1].startswith("behind host away: "))

    def test_consoles_that_are_not_verified(self) -> None:
        told = self.warnings(endpoint="https://one/RPC2", tls={"verify": False})
        self.assertIn("tls.verify = false accepts any certificate", told[0])

    def other_backends(self, **table: object) -> Sequence[str]:
        found = OpenNebulaSettings.model_validate({"session": SESSION, **table})
        assert isinstance(found, NamesOtherBackends)
        return found.other_backends()

    def test_the_backends_that_it_leaves_machines_to(self) -> None:
        self.assertEqual(self.other_backends(), [])
        remotes = {"away": {"vcenter": "there"}, "far": {"vcenter": "here"}}
        both = self.other_backends(vcenter="here", remotes=remotes)
        self.assertEqual(both, ["here", "there"])
        clusters = {"cluster1": "a", "cluster2": "b", "cluster3": "a"}
        self.assertEqual(self.other_backends(vcenter=clusters), ["a", "b"])
