"""The doubles keep the promises of what they stand for."""

from __future__ import annotations

from functools import partial

from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vncproxy.errors import ConsoleUnavailable, VMNotFound
from vncproxy.handshake.steps import Steps
from vncproxy.interfaces import IBlockingCalls, IConsoleBackend, IVMInventory
from vncproxy.model import ConsoleEndpoint, Transport
from vncproxy.rfb.versions import NotRFB
from vncproxy.testing import (
    CHALLENGE,
    SERVER_INIT,
    FakeCalls,
    MemoryPeer,
    ScriptedConnection,
    ScriptedRFBServer,
    StaticConsoles,
    carry,
    rfb_script,
)

PASSWORD_RESPONSE = bytes.fromhex("b866924125c8eebb9debc1db61c538e2")


def connect(
    server: ScriptedRFBServer,
) -> tuple[ScriptedConnection, StringTransportWithDisconnection]:
    connection = server.buildProtocol()
    transport = StringTransportWithDisconnection()
    transport.protocol = connection
    connection.makeConnection(transport)
    return connection, transport


class ScriptedRFBServerTests(SynchronousTestCase):
    def say(self, connection: ScriptedConnection, data: bytes) -> bytes:
        """Return what the server answers."""
        transport = connection.transport
        assert isinstance(transport, StringTransportWithDisconnection)
        transport.clear()
        connection.dataReceived(data)
        return transport.value()

    def test_a_client_of_3_8_gets_a_screen_and_its_messages_are_written_down(self) -> None:
        server = ScriptedRFBServer()
        connection, transport = connect(server)

        self.assertEqual(transport.value(), b"RFB 003.008\n")
        self.assertEqual(self.say(connection, b"RFB 003.008\n"), b"\x01\x01")
        self.assertEqual(self.say(connection, b"\x01"), bytes(4))
        self.assertEqual(self.say(connection, b"\x01messages"), SERVER_INIT)
        connection.dataReceived(b" and more")

        self.assertEqual(connection.after_script, b"messages and more")
        self.assertEqual(connection.received, b"RFB 003.008\n\x01\x01messages and more")
        self.assertEqual(server.connections, [connection])
        self.assertTrue(transport.connected)

    def test_a_client_of_3_3_is_told_the_type_and_no_result(self) -> None:
        connection, _ = connect(ScriptedRFBServer())

        self.assertEqual(self.say(connection, b"RFB 003.003\n"), b"\0\0\0\x01")
        self.assertEqual(self.say(connection, b"\x01"), SERVER_INIT)

    def test_the_right_password_is_welcome(self) -> None:
        script = partial(rfb_script, types=(2,), password="password", greeting=b"!")
        connection, _ = connect(ScriptedRFBServer(script))

        self.assertEqual(self.say(connection, b"RFB 003.008\n"), b"\x01\x02")
        self.assertEqual(self.say(connection, b"\x02"), CHALLENGE)
        self.assertEqual(self.say(connection, PASSWORD_RESPONSE), bytes(4))
        self.assertEqual(self.say(connection, b"\x01"), SERVER_INIT + b"!")

    def test_a_wrong_password_is_refused_with_a_reason(self) -> None:
        script = partial(rfb_script, types=(2,), password="password")
        connection, _ = connect(ScriptedRFBServer(script))
        self.say(connection, b"RFB 003.008\n\x02")

        answer = self.say(connection, bytes(16))

        self.assertEqual(answer, b"\0\0\0\x01\0\0\0\x0ewrong password")
        self.assertTrue(connection.closed)

    def test_a_wrong_password_of_an_old_client_is_refused_without_a_reason(self) -> None:
        script = partial(rfb_script, types=(2,), password="password")
        connection, _ = connect(ScriptedRFBServer(script))
        self.say(connection, b"RFB 003.003\n")

        self.assertEqual(self.say(connection, bytes(16)), b"\0\0\0\x01")

    def test_a_refusal_comes_before_any_type(self) -> None:
        script = partial(rfb_script, refusal="busy")
        for version, no_types in ((b"RFB 003.008\n", b"\0"), (b"RFB 003.003\n", bytes(4))):
            connection, _ = connect(ScriptedRFBServer(script))

            self.assertEqual(self.say(connection, version), no_types + b"\0\0\0\x04busy")
            self.assertTrue(connection.closed)

    def test_a_script_of_ones_own_may_hang_up_at_once(self) -> None:
        def rude() -> Steps[bool]:
            yield from ()
            return False

        connection, transport = connect(ScriptedRFBServer(rude))

        self.assertEqual((transport.value(), connection.closed), (b"", True))

    def test_a_client_that_does_not_speak_rfb_is_closed_and_the_failure_kept(self) -> None:
        connection, _ = connect(ScriptedRFBServer())

        self.say(connection, b"GET / HTTP/1")

        self.assertTrue(connection.closed)
        self.assertIsInstance(connection.failure, NotRFB)


class StaticConsolesTests(SynchronousTestCase):
    endpoint = ConsoleEndpoint(Transport.UNIX, path="/run/vnc.sock")

    def test_it_is_a_backend_with_an_inventory(self) -> None:
        self.assertTrue(verifyObject(IConsoleBackend, StaticConsoles()))
        self.assertTrue(verifyObject(IVMInventory, StaticConsoles()))

    def test_it_locates_consoles_and_records_requests(self) -> None:
        backend = StaticConsoles({"web": self.endpoint})

        self.assertIs(self.successResultOf(backend.locate("web")), self.endpoint)
        self.assertEqual(backend.asked, ["web"])

    def test_an_error_in_the_table_is_raised(self) -> None:
        error = ConsoleUnavailable("shut off")
        backend = StaticConsoles({"web": error})

        self.assertIs(self.failureResultOf(backend.locate("web")).value, error)

    def test_an_unknown_machine_is_not_found(self) -> None:
        self.failureResultOf(StaticConsoles().locate("web"), VMNotFound)

    def test_it_lists_its_machines_and_counts_them(self) -> None:
        backend = StaticConsoles({"web": self.endpoint}, name="kvm")

        [machine] = self.successResultOf(backend.list())

        self.assertEqual((str(machine.vm), machine.state), ("kvm/web", "running"))
        self.assertEqual(self.successResultOf(backend.probe()), "1 consoles")

    def test_it_notes_that_it_was_closed(self) -> None:
        backend = StaticConsoles()

        self.successResultOf(backend.close())

        self.assertTrue(backend.closed)


class FakeCallsTests(SynchronousTestCase):
    def test_it_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IBlockingCalls, FakeCalls()))

    def test_a_call_is_made_at_once_and_its_limit_kept(self) -> None:
        calls = FakeCalls()

        self.assertEqual(self.successResultOf(calls.call(2.5, max, 1, 3)), 3)
        self.assertEqual(calls.limits, [2.5])

    def test_what_a_call_raises_is_its_result(self) -> None:
        failed = FakeCalls().call(1.0, int, "x")

        self.failureResultOf(failed, ValueError)


class MemoryPeerTests(SynchronousTestCase):
    def test_it_keeps_the_promises_of_a_transport(self) -> None:
        peer = MemoryPeer(Protocol())

        verifyObject(ITCPTransport, peer)
        verifyObject(IPushProducer, peer)

    def test_a_producer_is_paused_when_there_is_no_room_and_resumed_when_there_is(self) -> None:
        class Noting(Protocol):
            told = ""

            def connectionMade(self) -> None:
                assert self.transport is not None
                self.transport.registerProducer(self, True)  # type: ignore[attr-defined]

            def pauseProducing(self) -> None:
                self.told += "p"

            def resumeProducing(self) -> None:
                self.told += "r"

        noting = Noting()
        peer = MemoryPeer(noting, room=10)
        peer.write(bytes(10))
        self.assertEqual(noting.told, "")

        peer.write(bytes(10))
        peer.write(bytes(10))
        self.assertEqual(noting.told, "p")
        self.assertEqual(len(peer.receive()), 30)

        self.assertEqual((noting.told, peer.most), ("pr", 30))

    def test_a_producer_is_stopped_before_its_protocol_is_told_of_the_end(self) -> None:
        class Noting(Protocol):
            told = ""

            def connectionMade(self) -> None:
                assert self.transport is not None
                self.transport.registerProducer(self, True)  # type: ignore[attr-defined]

            def stopProducing(self) -> None:
                self.told += "s"

            def connectionLost(self, reason: Failure = connectionDone) -> None:
                self.told += "l"

        noting = Noting()

        MemoryPeer(noting).reset()

        self.assertEqual(noting.told, "sl")

    def test_an_end_comes_after_what_was_sent_and_not_while_nothing_is_read(self) -> None:
        connection = ScriptedRFBServer().buildProtocol()
        peer = MemoryPeer(connection)
        peer.pauseProducing()

        peer.send(b"RFB 003.008\n")
        peer.close()
        self.assertEqual((connection.received, connection.closed), (b"", False))
        peer.resumeProducing()
        peer.pump()

        self.assertEqual((connection.received, connection.closed), (b"RFB 003.008\n", True))

    def test_carrying_joins_a_client_and_a_server(self) -> None:
        server = ScriptedRFBServer().buildProtocol()
        client = Protocol()
        near, far = MemoryPeer(client), MemoryPeer(server)

        near.write(b"RFB 003.008\n")
        carry(near, far)
        near.loseConnection()
        carry(near, far)

        self.assertEqual(server.received, b"RFB 003.008\n")
        self.assertTrue(server.closed and near.closed)
