"""Machines of other zones: which zone is meant, and which address gets the session."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.components.fake_oned import VM, FakeOned, Host, Zone
from tests.doubles.opennebula import HOME, OpenNebulaCase
from vncproxy.backends.opennebula.settings import OpenNebulaSettings
from vncproxy.errors import BackendError, ConsoleUnavailable, VMNotFound
from vncproxy.model import ConsoleElsewhere, RFBSecurity, VMAddress

MADRID = "https://one.madrid.example.com:2633/RPC2"
SECOND = "https://one2.madrid.example.com:2633/RPC2"
GATEWAY = "https://console.madrid.example.com/"
LOOPBACK = {"ENDPOINT": "http://localhost:2633/RPC2"}


class FederationCase(OpenNebulaCase):
    """This zone is paris (0); madrid (100) has a VM 7 too, which is another machine."""

    def setUp(self) -> None:
        super().setUp()
        self.oned.add(VM(7, "web"))
        self.madrid = FakeOned()
        self.internet.daemons[MADRID] = self.madrid
        self.madrid.add(VM(7, "shop", history=((0, "hv9", 1, "kvm"),)))
        self.zone = Zone(100, "madrid", {"ENDPOINT": MADRID})
        self.oned.zones = self.madrid.zones = [Zone(0, "paris", LOOPBACK), self.zone]

    def federation(self, **more: object) -> dict[str, Any]:
        return {"federation": {"zone": "paris", **more}}


class WhichZoneTests(FederationCase):
    def test_a_zone_by_its_id_and_by_its_name(self) -> None:
        table = self.federation(allowed=[MADRID])
        for vm in ("100/7", "madrid/7", "madrid/shop"):
            self.assertEqual(self.located(vm, **table).host, "hv9")
        self.assertEqual(self.internet.asked[:2], [HOME, MADRID])

    def test_this_zone_is_asked_itself(self) -> None:
        for own in ("paris", "0", 0):
            table = {"federation": {"zone": own}}
            for vm in ("7", "web", "0/7", "paris/web"):
                self.assertEqual((vm, self.located(vm, **table).host), (vm, "hv1"))
        self.assertEqual(set(self.internet.asked), {HOME})

    def test_digits_mean_an_id_also_where_a_zone_is_called_so(self) -> None:
        self.oned.zones.append(Zone(101, "100", {"ENDPOINT": HOME}))
        table = self.federation(
            allowed=[MADRID], zones={"100": {"addresses": {"hv9": "192.0.2.9"}}}
        )
        self.assertEqual(self.located("100/7", **table).host, "192.0.2.9")

    def test_a_zone_that_is_not_in_the_pool(self) -> None:
        for vm in ("rome/7", "102/7", "/7"):
            error = self.failure(VMNotFound, vm, **self.federation())
            self.assertIn("in the zone pool of", error.detail)

    def test_a_second_slash_names_no_machine(self) -> None:
        self.failure(VMNotFound, "madrid/100/7", **self.federation(allowed=[MADRID]))

    def test_without_a_federation_a_slash_is_part_of_a_name(self) -> None:
        error = self.failure(VMNotFound, "madrid/7")
        self.assertIn("no VM called 'madrid/7'", error.detail)
        self.assertEqual(self.oned.calls, ["one.vmpool.info"])


class FixedPartTests(FederationCase):
    def test_numbers_and_zones_are_no_tenants_choice(self) -> None:
        backend = self.backend(**self.federation())
        for vm, fixed in (("7", "7"), ("web", ""), ("madrid/7", "madrid/7"), ("100/web", "100/")):
            self.assertEqual((vm, backend.fixed_part(vm)), (vm, fixed))
        self.assertEqual(self.backend().fixed_part("madrid/7"), "")


class HostTests(FederationCase):
    def test_a_machine_of_another_zone_is_on_no_host_of_this_one(self) -> None:
        backend = self.backend(**self.federation())
        for vm, names in (("7", ("hv1",)), ("paris/web", ("hv1",)), ("madrid/7", ())):
            self.assertEqual((vm, self.result(backend.host_of(vm)).names), (vm, names))
        self.assertNotIn(MADRID, self.internet.asked)


class AddressTests(FederationCase):
    def test_an_address_of_the_pool_alone_gets_no_session(self) -> None:
        error = self.failure(BackendError, "madrid/7", **self.federation())
        self.assertEqual(error.sentence(), "Consoles of this zone cannot be shown here.")
        self.assertIn(f"the zone pool has {MADRID} for it, and federation.allowed", error.detail)
        self.assertEqual(self.internet.asked, [HOME])

    def test_addresses_that_are_no_urls(self) -> None:
        for endpoint in ("-", "", "localhost:2633"):
            self.zone.template = {"ENDPOINT": endpoint}
            error = self.failure(BackendError, "madrid/7", **self.federation())
            self.assertIn("the zone pool has no address for it", error.detail)

    def test_a_zone_without_endpoint_and_with_servers(self) -> None:
        self.zone.template, self.zone.servers = {"ENDPOINT_GRPC": "one:2634"}, [SECOND, MADRID]
        self.assertEqual(self.located("madrid/7", **self.federation(allowed=[MADRID])).host, "hv9")
        self.assertNotIn(SECOND, self.internet.asked)

    def test_its_servers_are_asked_when_its_endpoint_does_not_answer(self) -> None:
        self.zone.servers = [SECOND]
        self.internet.daemons[SECOND] = self.internet.daemons.pop(MADRID)
        table = self.federation(allowed=[MADRID, SECOND])
        self.assertEqual(self.located("madrid/7", **table).host, "hv9")
        self.assertEqual(self.internet.asked[1:3], [MADRID, SECOND])

    def test_an_endpoint_that_is_configured_stands_for_that_in_the_pool(self) -> None:
        tunnel = "http://localhost:12633/RPC2"
        self.internet.daemons[tunnel] = self.internet.daemons.pop(MADRID)
        zones = {"madrid": {"endpoint": tunnel, "vnc_password": "pw"}}
        found = self.located("madrid/7", **self.federation(zones=zones))
        self.assertEqual((found.host, found.handshakes), ("hv9", (RFBSecurity("pw"),)))
        self.assertEqual(self.internet.asked, [HOME, tunnel])

    def test_a_tunnels_end_is_not_the_other_zones_loopback(self) -> None:
        tunnel = "http://localhost:12633/RPC2"
        self.internet.daemons[tunnel] = self.internet.daemons.pop(MADRID)
        self.madrid.vms[7].history = ((0, "localhost", 1, "kvm"),)
        zones = {"madrid": {"endpoint": tunnel}}
        error = self.failure(BackendError, "madrid/7", **self.federation(zones=zones))
        self.assertIn("which is not this machine", error.detail)

    def test_a_hybrid_host_of_the_other_zone(self) -> None:
        away, url = FakeOned(), "https://away.example.com:2633/RPC2"
        self.internet.daemons[url] = away
        history = ((0, "hybrid", 5, "one"),)
        self.madrid.add(VM(8, "db", deploy_id="opennebula-hybrid-31", history=history))
        login = {"ONE_ENDPOINT": url, "ONE_USER": "oneadmin", "ONE_PASSWORD": "opennebula"}
        self.madrid.hosts[5] = Host(5, "hybrid", login)
        away.add(VM(31, "half", user_template={"REMOTE_OPENNEBULA_VM_ID": "8"}))
        found = self.located("madrid/8", **self.federation(allowed=[MADRID]))
        self.assertEqual((found.host, found.name), ("hv1", "db"))


class ZoneProxyTests(FederationCase):
    def pointed(self, vm: str = "madrid/7", **table: object) -> VMAddress:
        found = self.result(self.backend(**table).locate(vm))
        assert isinstance(found, ConsoleElsewhere)
        return found.vm

    def test_the_proxy_that_the_configuration_names(self) -> None:
        zones = {"100": {"zone_proxy": "madrid/cloud"}}
        pointed = self.pointed("madrid/shop", **self.federation(zones=zones))
        self.assertEqual(pointed, VMAddress("madrid", "cloud/shop"))
        self.assertEqual(self.internet.asked, [HOME])

    def test_the_proxy_that_the_zones_template_names(self) -> None:
        self.zone.template = {"ENDPOINT": "-", "VNCPROXY_ENDPOINT": GATEWAY}
        known = {GATEWAY.rstrip("/"): "madrid/one"}
        pointed = self.pointed(**self.federation(zone_proxies=known))
        self.assertEqual(pointed, VMAddress("madrid", "one/7"))

    def test_one_that_is_not_configured_is_not_asked(self) -> None:
        self.zone.template = {"ENDPOINT": MADRID, "VNCPROXY_ENDPOINT": "https://evil.example.com/"}
        table = self.federation(zone_proxies={GATEWAY: "madrid/one"}, allowed=[MADRID])
        error = self.failure(BackendError, "madrid/7", **table)
        self.assertIn("its VNCPROXY_ENDPOINT is 'https://evil.example.com/'", error.detail)
        self.assertEqual(self.internet.asked, [HOME])

    def test_an_endpoint_in_the_configuration_is_used_instead(self) -> None:
        self.zone.template = {"ENDPOINT": "-", "VNCPROXY_ENDPOINT": GATEWAY}
        table = self.federation(zones={"madrid": {"endpoint": MADRID}})
        self.assertEqual(self.located("madrid/7", **table).host, "hv9")

    def test_the_proxy_of_a_hybrid_host(self) -> None:
        away = "https://away.example.com:2633/RPC2"
        self.internet.daemons[away] = self.madrid
        history = ((0, "hybrid", 5, "one"),)
        self.oned.add(VM(8, "db", deploy_id="opennebula-hybrid-7", history=history))
        half = self.madrid.vms[7]
        half.user_template = {"REMOTE_OPENNEBULA_VM_ID": "8"}
        login = {"endpoint": away, "user": "oneadmin", "password": "opennebula"}
        table = {"remotes": {"hybrid": {**login, "zone_proxy": "away/one"}}}
        self.assertEqual(self.pointed("8", **table), VMAddress("away", "one/7"))
        self.assertEqual(
            OpenNebulaSettings.model_validate({"session": "a:b", **table}).other_backends(),
            ["away"],
        )

        half.state = 8
        error = self.failure(ConsoleUnavailable, "8", **table)
        self.assertEqual(error.sentence(), "The virtual machine is powered off.")
        half.state, half.user_template = 3, {}
        self.failure(BackendError, "8", **table)


class ProbeTests(FederationCase):
    def told(self, **table: object) -> tuple[str, list[str]]:
        backend = self.backend(**table)
        line = self.result(backend.probe())
        return line, [each for each in backend.warnings() if each.startswith("zone")]

    def test_how_the_consoles_of_each_zone_are_shown(self) -> None:
        self.oned.vms.clear()
        self.oned.zones += [Zone(101, "tokyo", {"ENDPOINT": "-"}), Zone(102, "oslo", {})]
        zones = {"tokyo": {"zone_proxy": "tokyo/one"}}
        line, problems = self.told(**self.federation(allowed=[MADRID], zones=zones))
        self.assertIn(
            "; is zone paris (0), zone madrid (100): OpenNebula 6.10.0 at "
            f"{MADRID}, as oneadmin, zone tokyo (101) by tokyo/one",
            line,
        )
        (problem,) = problems
        self.assertIn("zone oslo (102): the zone pool has no address for it", problem)

    def test_a_pool_without_this_zone(self) -> None:
        backend = self.backend(federation={"zone": "rome"})
        error = self.failureResultOf(Deferred.fromCoroutine(backend.probe()), BackendError).value
        self.assertIn(
            "federation.zone is 'rome', and the zone pool has paris (0), madrid (100)",
            str(error.detail),
        )
