"""What is made of states, faults, properties, VNC servers and versions, without a server."""

from __future__ import annotations

import ssl
from typing import Any

from pyVmomi import vim, vmodl
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.tls_context import distrust
from vncproxy.backends.vmware.errors import explain, unanswered
from vncproxy.backends.vmware.machines import displayed
from vncproxy.backends.vmware.soap import TimeLeft, api_versions
from vncproxy.backends.vmware.states import state_text
from vncproxy.backends.vmware.vnc import vnc_settings
from vncproxy.errors import NoGraphicalConsole

MACHINE = vim.VirtualMachine("vm-7", None)
POWER_STATES: Any = vim.VirtualMachine.PowerState
CONNECTION_STATES: Any = vim.VirtualMachine.ConnectionState


class StateTests(SynchronousTestCase):
    def test_every_power_state_has_words(self) -> None:
        for state in POWER_STATES.values:
            self.assertNotIn("unknown", state_text(state))

    def test_every_connection_state_has_words_that_go_first(self) -> None:
        for state in CONNECTION_STATES.values:
            said = state_text("poweredOn", state)
            self.assertNotIn("unknown", said)
            self.assertEqual(said == "running", state == "connected")

    def test_states_of_later_versions(self) -> None:
        self.assertEqual(state_text("half"), "in the unknown power state half")
        self.assertEqual(state_text("poweredOn", "x"), "in the unknown connection state x")


class FaultTests(SynchronousTestCase):
    def test_a_missing_privilege_is_named(self) -> None:
        fault = vim.fault.NoPermission(object=MACHINE, privilegeId="A.B", msg="denied")
        self.assertIn("eve may not A.B on vm-7; give it a role", explain(fault, "eve").detail)

    def test_so_are_several(self) -> None:
        missing = vim.fault.NoPermission.EntityPrivileges(entity=MACHINE, privilegeIds=["C", "B"])
        fault = vim.fault.NoPermission(privilegeId="A", missingPrivileges=[missing])
        self.assertIn("eve may not B, C on the inventory", explain(fault, "eve").detail)

    def test_others_are_told_by_kind_and_message_on_one_line(self) -> None:
        fault = vmodl.fault.SystemError(reason="internals", msg="a\n  b")
        self.assertEqual(explain(fault, "eve").detail, "SystemError: a b")
        self.assertEqual(explain(vmodl.fault.SystemError(), "eve").detail, "SystemError")

    def test_no_answer(self) -> None:
        self.assertEqual(unanswered(TimeoutError("read")), "no answer in time")
        self.assertEqual(unanswered(EOFError()), "EOFError")

    def test_a_certificate_that_expired(self) -> None:
        error = ssl.SSLCertVerificationError()
        error.verify_code, error.verify_message = 10, "certificate has expired"
        said = distrust(error, "127.0.0.1", 1, 0.5)
        self.assertEqual(said, "its certificate is refused: certificate has expired; renew it")


class NameTests(SynchronousTestCase):
    def test_a_slash_in_a_name(self) -> None:
        self.assertEqual(displayed("a%2fb %25"), "a/b %")


class VNCSettingsTests(SynchronousTestCase):
    def settings(self, **options: str) -> tuple[int, str]:
        given = {"enabled": "TRUE", "port": "5907", **options}
        return vnc_settings(
            "web",
            [
                vim.option.OptionValue(key=f"RemoteDisplay.vnc.{key}", value=value)
                for key, value in given.items()
            ],
        )

    def test_port_and_password(self) -> None:
        self.assertEqual(self.settings(password="s3cret"), (5907, "s3cret"))
        self.assertEqual(self.settings(), (5907, ""))

    def test_not_enabled(self) -> None:
        for value in ("", "FALSE", "0"):
            with self.assertRaises(NoGraphicalConsole):
                self.settings(enabled=value)

    def test_a_port_that_is_none(self) -> None:
        for value in ("", "0", "65536", "59x", "-1", "\uff15\uff19"):
            with self.assertRaises(NoGraphicalConsole):
                self.settings(port=value)


class VersionTests(SynchronousTestCase):
    DOCUMENT = b"""<namespaces version="1.0">
      <namespace><name>urn:vim25</name><version>8.0.2.0</version>
        <priorVersions><version>7.0.3.0</version><version>6.5</version></priorVersions></namespace>
      <namespace><name>urn:other</name><version>9.9</version></namespace></namespaces>"""

    def test_the_newest_and_those_before_it(self) -> None:
        self.assertEqual(api_versions(self.DOCUMENT), {"8.0.2.0", "7.0.3.0", "6.5"})

    def test_what_is_no_such_document(self) -> None:
        for document in (b"", b"<html>", b"<html/>"):
            self.assertEqual(api_versions(document), set())


class TimeLeftTests(SynchronousTestCase):
    def test_the_shorter_limit_counts_and_ends_with_its_block(self) -> None:
        left = TimeLeft()
        with left.within(5):
            with left.within(60):
                self.assertLessEqual(left.seconds(), 5)
            with left.within(0), self.assertRaises(TimeoutError):
                left.seconds()
            self.assertGreater(left.seconds(), 4)
        self.assertGreater(left.seconds(), 60)
