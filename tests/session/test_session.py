"""One console from redeem to close, over doubles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tests.doubles.proxy_in_memory import WEB_01, ProxyTestCase, Told
from vncproxy.downstream.pending import refuse_viewer
from vncproxy.errors import (
    BackendError,
    BadRequest,
    Busy,
    ClientGone,
    ConfirmationNeeded,
    ConnectionLost,
    ConsoleEnded,
    ConsoleMoved,
    ConsoleTaken,
    ConsoleUnavailable,
    DownstreamViolation,
    EndedByAdministrator,
    Forbidden,
    HypervisorError,
    IdleLimit,
    OverLimit,
    ProxyStopping,
    StoreUnavailable,
    Superseded,
    TimeLimit,
    TokenExpired,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
    UpstreamRefused,
    UpstreamUnreachable,
    UpstreamViolation,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.interfaces import IConsoleMoves, ISessionObserver
from vncproxy.model import (
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    Limits,
    Policy,
    SessionInfo,
    Transport,
    VMAddress,
    secret_id,
)
from vncproxy.relay.frames import RawFraming
from vncproxy.relay.leg import Leg
from vncproxy.rfb.greeting import Greeting
from vncproxy.session import registry as sessions
from vncproxy.session.session import MOST_ASKING, IDownstream, Session, UserRequest
from vncproxy.session.watchdog import Watchdog
from vncproxy.testing import SERVER_INIT, MemoryPeer, ScriptedRFBServer, StaticConsoles, rfb_script
from vncproxy.tokens.external.store import StoreWithSources

GREETING = b"RFB 003.008\n\x01\x01"
VIEWER_HEARS = b"RFB 003.008\n\x01\x01" + bytes(4) + SERVER_INIT


@implementer(IDownstream)
class User:
    """A TCP viewer's user who writes down what happens, and is told of refusals as viewers are."""

    def __init__(self, test: ProxyTestCase) -> None:
        self.greeting = Greeting()
        self.linger = test.timeouts.linger
        self.steps: list[str] = []
        self.refusals: list[tuple[VNCProxyError, str]] = []
        self.leg = Leg(RawFraming(), test.reactor, ClientGone)
        self.peer = MemoryPeer(self.leg)
        self.fail: Exception | None = None
        self.cookie: str | None = None

    async def admit(self, grant: Grant) -> None:
        self.steps.append("admit")
        self.cookie = grant.resume_secret
        if self.fail is not None:
            raise self.fail

    async def open(self) -> Leg:
        self.steps.append("open")
        return self.leg

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        self.refusals.append((error, session_id))
        if "open" in self.steps:
            await refuse_viewer(self.leg, self.greeting, error, session_id, self.linger)
        self.steps.append("refuse")


@implementer(IDownstream)
class StubbornUser(User):
    """A user whose refusal takes as long as the test wants."""

    def __init__(self, test: ProxyTestCase) -> None:
        super().__init__(test)
        self.refused: Deferred[None] = Deferred()

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        await super().refuse(error, session_id)
        await self.refused


@implementer(IConsoleMoves)
class MovedAway(StaticConsoles):
    """A backend that can tell where a machine is, when a test says so."""

    def __init__(self) -> None:
        super().__init__({"web-01": ConsoleEndpoint(Transport.TCP, "192.0.2.10", 5900)})
        self.answer: Deferred[str] = Deferred()

    async def whereabouts(self, vm: str) -> str:
        return await self.answer


class SessionTestCase(ProxyTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = User(self)

    def user_request(self, token: str | None = None, **more: Any) -> UserRequest:
        fields: dict[str, Any] = {"type": ConsoleType.NOVNC, "client": "198.51.100.7"}
        return UserRequest(**{**fields, "token": self.issue() if token is None else token, **more})

    def begin(self, user_request: UserRequest | None = None, user: User | None = None) -> Session:
        self.session = self.sessions.prepare(user_request or self.user_request(), user or self.user)
        self.session.start()
        return self.session

    def open(self, user_request: UserRequest | None = None) -> Session:
        """Begin a session and bring it to where bytes flow."""
        session = self.begin(user_request)
        self.hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.assertEqual(self.user.peer.receive(), VIEWER_HEARS)
        return session

    def refused(self, kind: type[VNCProxyError]) -> VNCProxyError:
        """Make sure that user and observer were told the same reason, once."""
        self.assertEqual([type(error) for error, _ in self.user.refusals], [kind])
        error, session_id = self.user.refusals[0]
        self.assertEqual(session_id, self.session.id)
        self.assertEqual(
            [(info.id, why) for info, why in self.told.refusals], [(session_id, error)]
        )
        self.assertEqual((self.told.openings, self.told.closings), ([], []))
        self.assertEqual(self.sessions.list(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        return error

    def closed(self, kind: type[VNCProxyError], live: int = 0) -> SessionInfo:
        """Make sure that an opened session ended once, for this reason."""
        self.assertEqual([type(why) for _, why in self.told.closings], [kind])
        self.assertEqual((self.told.refusals, self.user.refusals), ([], []))
        self.assertEqual(len(self.sessions.list()), live)
        return self.told.closings[0][0]

    def uses_given_back(self) -> int:
        return self.store.calls.count("restore")


class AskingTests(SessionTestCase):
    """Links that ask before they are redeemed."""

    def test_a_link_that_asks_is_refused_with_the_machines_id_and_keeps_its_use(self) -> None:
        secret = self.issue(Policy(confirm=True))
        self.begin(self.user_request(secret))

        error = self.refused(ConfirmationNeeded)
        self.assertIn("The console of web-01 opens when you press", error.sentence())
        self.assertEqual((self.uses_given_back(), self.user.steps), (0, ["refuse"]))

        self.user = User(self)
        self.open(self.user_request(secret, confirmed=True))

    def test_the_configuration_decides_where_the_policy_does_not(self) -> None:
        for configured, chosen, asks in (
            (True, None, True),
            (True, False, False),
            (False, None, False),
            (False, True, True),
        ):
            self.serve(confirm=configured)
            self.user = User(self)
            self.begin(self.user_request(self.issue(Policy(confirm=chosen))))

            refusals = [type(error) for error, _ in self.user.refusals]
            self.assertEqual(refusals, [ConfirmationNeeded] if asks else [])

    def test_a_link_that_is_over_does_not_ask(self) -> None:
        secret = self.issue(Policy(confirm=True))
        self.open(self.user_request(secret, confirmed=True))
        user = User(self)
        self.begin(self.user_request(secret), user)

        self.assertEqual([type(error) for error, _ in user.refusals], [TokenUsed])

    def test_tokens_of_other_issuers_are_not_looked_up_before(self) -> None:
        self.serve(confirm=True, store=StoreWithSources(self.store, {}))
        self.begin(self.user_request("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))

        self.assertIn(
            "The console opens when you press", self.refused(ConfirmationNeeded).sentence()
        )


class OpeningTests(SessionTestCase):
    def test_the_doubles_are_what_they_stand_for(self) -> None:
        verifyObject(IDownstream, self.user)
        verifyObject(ISessionObserver, self.told)

    def test_a_console_is_opened_step_by_step(self) -> None:
        self.begin()
        self.assertEqual(self.store.calls, ["redeem"])
        self.assertEqual(self.user.steps, ["admit"])
        self.assertEqual(self.kvm.asked, ["web-01"])
        self.assertEqual(self.reactor.tcpClients[0][:2], ("192.0.2.10", 5900))

        hypervisor = self.console()
        self.assertEqual(self.user.steps, ["admit", "open"])
        self.assertEqual(self.told.openings, [])

        self.user.peer.send(GREETING)
        self.assertEqual(self.user.peer.receive(), VIEWER_HEARS)
        self.assertEqual([info.id for info in self.told.openings], [self.session.id])

        self.user.peer.send(b"key")
        hypervisor.send(b"pixels")
        self.assertEqual((hypervisor.receive(), self.user.peer.receive()), (b"key", b"pixels"))
        self.assertEqual(self.store.calls, ["redeem", "confirm"])

    def test_what_a_viewer_sends_with_its_greeting_reaches_the_console(self) -> None:
        self.begin()
        hypervisor = self.console()

        self.user.peer.send(GREETING + b"messages")

        self.assertEqual(hypervisor.receive(), b"messages")

    def test_what_the_console_sends_with_server_init_reaches_the_viewer(self) -> None:
        self.begin()
        self.console(ScriptedRFBServer(partial(rfb_script, greeting=b"pixels")))

        self.user.peer.send(GREETING)

        self.assertEqual(self.user.peer.receive(), VIEWER_HEARS + b"pixels")

    def test_the_machine_is_called_as_its_endpoint_says(self) -> None:
        endpoint = self.kvm.consoles["web-01"]
        assert isinstance(endpoint, ConsoleEndpoint)
        self.kvm.consoles["web-01"] = replace(endpoint, name="Webserver")
        self.begin()
        self.console()

        self.user.peer.send(GREETING)

        self.assertTrue(self.user.peer.receive().endswith(b"\0\0\0\x09Webserver"))

    def test_info_grows_with_what_is_known(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.begin()
        (early,) = self.sessions.list()
        self.assertEqual((early.vm, early.user, early.client), (None, "", "198.51.100.7"))

        self.store.wait["redeem"].callback(None)
        self.wait(2)
        hypervisor = self.console()
        self.user.peer.send(GREETING + b"12345")
        hypervisor.send(b"123")

        (info,) = self.sessions.list()
        self.assertEqual((info.id, info.vm, info.user), (self.session.id, WEB_01, "alice"))
        self.assertEqual((info.seconds, info.token_id), (2, self.session.grant.token_id))  # type: ignore[union-attr]
        self.assertEqual(info.bytes_down, hypervisor_bytes(b"123"))
        self.assertEqual(info.bytes_up, len(GREETING) + 5)

    def test_no_secret_is_in_what_a_visit_shows(self) -> None:
        user_request = self.user_request("secret-secret-secret", resume="resume-resume-resume")

        self.assertNotIn("secret-secret", repr(user_request))
        self.assertNotIn("resume-resume", repr(user_request))


def hypervisor_bytes(payload: bytes) -> int:
    """How many bytes the scripted server sends before and with this payload."""
    return len(b"RFB 003.008\n\x01\x01") + 4 + len(SERVER_INIT) + len(payload)


class RefusalTests(SessionTestCase):
    def test_a_malformed_token_never_reaches_the_store(self) -> None:
        for token in ("", "x" * 50_000, "with space" * 3):
            self.setUp()
            self.begin(self.user_request(token))

            self.refused(BadRequest)
            self.assertEqual(self.store.calls, [])

    def test_a_token_that_is_not_good(self) -> None:
        for kind in (TokenUnknown, TokenUsed, TokenExpired, TokenRevoked, StoreUnavailable):
            self.setUp()
            self.store.fail["redeem"] = kind("because")
            self.begin()

            self.refused(kind)
            self.assertEqual(self.user.steps, ["refuse"])
            token_id = secret_id(self.session.user_request.token)
            self.assertEqual(self.told.refusals[0][0].token_id, token_id)
            self.assertEqual(self.uses_given_back(), 0)

    def test_a_machine_that_cannot_be_shown(self) -> None:
        for error in (VMNotFound(), ConsoleUnavailable("shut off"), BackendError("boom")):
            self.setUp()
            self.kvm.consoles["web-01"] = error
            self.begin()

            self.assertIs(self.refused(type(error)), error)
            self.assertEqual(self.uses_given_back(), 1)

    def test_a_backend_that_is_not_configured(self) -> None:
        self.begin(self.user_request(self.issue(vm=VMAddress("esx", "web-01"))))

        self.assertIn("no backend 'esx'", str(self.refused(VMNotFound)))
        self.assertEqual(self.uses_given_back(), 1)

    def test_a_backend_that_does_not_answer_in_time(self) -> None:
        class Silent:
            def locate(self, vm: str) -> Awaitable[ConsoleEndpoint]:
                return Deferred()

        self.serve(backends={"kvm": Silent()})
        self.begin()
        self.wait(9.9)
        self.assertEqual(self.user.refusals, [])

        self.wait(0.1)

        self.assertIn("within 10.0 s", str(self.refused(BackendError)))
        self.assertEqual(self.uses_given_back(), 1)

    def test_a_console_that_refuses_the_connection(self) -> None:
        self.begin()

        self.reactor.refuse()

        self.assertIn("tcp:192.0.2.10:5900", str(self.refused(UpstreamUnreachable)))
        self.assertEqual(self.told.refusals[0][0].host, "192.0.2.10")
        self.assertEqual(self.uses_given_back(), 1)

    def test_a_console_that_does_not_answer_in_time(self) -> None:
        self.begin()

        self.wait(5)

        self.assertIn("within 5.0 s", str(self.refused(UpstreamUnreachable)))

    def test_a_console_that_refuses_the_proxy(self) -> None:
        self.begin()
        self.console(ScriptedRFBServer(partial(rfb_script, refusal="busy")))

        self.assertIn("busy", str(self.refused(UpstreamRefused)))
        self.assertEqual(self.uses_given_back(), 1)

    def test_a_console_that_says_nothing(self) -> None:
        self.begin()
        silent = self.reactor.accept()

        self.wait(10)
        self.wait(5)

        self.refused(UpstreamViolation)
        self.assertIsNotNone(silent.closed)

    def test_a_network_that_is_not_allowed(self) -> None:
        policy = Policy(client_networks=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")))
        self.begin(self.user_request(self.issue(policy)))

        self.assertIn("198.51.100.7", str(self.refused(Forbidden)))
        self.assertEqual(self.uses_given_back(), 1)
        self.assertEqual(self.kvm.asked, [])

    def test_a_network_that_is_allowed(self) -> None:
        for network, client in (
            ("198.51.100.0/24", "198.51.100.7"),
            ("2001:db8::/32", "2001:db8::7"),
        ):
            self.setUp()
            policy = Policy(client_networks=(ip_network("10.0.0.0/8"), ip_network(network)))
            self.open(self.user_request(self.issue(policy), client=client))

    def test_a_foreign_page(self) -> None:
        self.begin(self.user_request(foreign_origin="https://evil.example"))

        self.assertIn("https://evil.example", str(self.refused(Forbidden)))
        self.assertEqual(self.uses_given_back(), 1)

    def test_a_page_that_the_token_allows(self) -> None:
        policy = Policy(allowed_origins=("https://portal.example",))

        self.open(self.user_request(self.issue(policy), foreign_origin="https://portal.example"))

    def test_pages_that_a_pattern_of_the_token_allows(self) -> None:
        policy = Policy(allowed_origins=("https://*.portal.example",))

        self.open(self.user_request(self.issue(policy), foreign_origin="https://a.portal.example"))

    def test_a_defect_is_answered_and_logged(self) -> None:
        self.user.fail = RuntimeError("a defect")
        self.begin()

        self.refused(HypervisorError)
        self.assertEqual(self.uses_given_back(), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_store_that_cannot_take_the_use_back_does_not_hide_the_reason(self) -> None:
        for error in (StoreUnavailable("gone"), RuntimeError("a defect")):
            self.setUp()
            self.kvm.consoles["web-01"] = VMNotFound()
            self.store.fail["restore"] = error
            self.begin()

            self.refused(VMNotFound)

    def test_a_token_is_good_again_after_a_failure_and_used_after_a_console(self) -> None:
        secret = self.issue()
        self.begin(self.user_request(secret))
        self.reactor.refuse()
        self.refused(UpstreamUnreachable)

        self.told.refusals.clear()
        self.user = User(self)
        self.open(self.user_request(secret))
        self.user.peer.close()

        self.user = User(self)
        self.told.closings.clear()
        self.told.openings.clear()
        self.begin(self.user_request(secret))
        self.wait(5)
        self.refused(TokenUsed)


class GreetingTests(SessionTestCase):
    def test_a_viewer_that_leaves_during_the_greeting(self) -> None:
        self.begin()
        hypervisor = self.console()

        self.user.peer.close()

        self.assertIsNotNone(hypervisor.half_closed)
        self.wait(5)
        self.refused(ClientGone)
        self.assertEqual(self.uses_given_back(), 1)

    def test_a_viewer_that_is_silent(self) -> None:
        self.begin()
        hypervisor = self.console()

        self.wait(30)
        self.wait(5)
        self.wait(5)

        self.refused(ClientGone)
        self.assertIsNotNone(hypervisor.closed)

    def test_a_viewer_that_speaks_something_else(self) -> None:
        self.begin()
        hypervisor = self.console()

        self.user.peer.send(b"GET / HTTP/1.1\r\n\r\n")
        self.wait(5)

        self.refused(DownstreamViolation)
        self.assertIsNotNone(hypervisor.closed)


class EndedWhileGreetingTests(SessionTestCase):
    """The refusal goes on where the greeting was, and says nothing twice."""

    def heard(self, *said: bytes) -> bytes:
        """End a session whose viewer has said so much, then let it say the rest."""
        self.setUp()
        before, *after = said
        self.begin()
        self.console()
        self.user.peer.send(before)
        self.session.cancel(EndedByAdministrator())
        self.user.peer.send(*after)
        self.assertTrue(self.user.peer.half_closed, "told at once")
        return self.user.peer.receive()

    def reason(self) -> bytes:
        words = EndedByAdministrator().sentence(self.session.id).encode()
        return len(words).to_bytes(4, "big") + words

    def test_before_the_version(self) -> None:
        for first in (b"", b"RFB 0"):
            rest = b"RFB 003.008\n"[len(first) :]
            self.assertEqual(self.heard(first, rest), b"RFB 003.008\n\0" + self.reason())

    def test_before_the_choice_of_3_8(self) -> None:
        heard = self.heard(b"RFB 003.008\n", b"\x01")
        self.assertEqual(heard, b"RFB 003.008\n\x01\x01\0\0\0\x01" + self.reason())

    def test_behind_the_security_phase_nothing_more_is_said(self) -> None:
        for said, heard in (
            (b"RFB 003.008\n\x01", b"\x01\x01" + bytes(4)),
            (b"RFB 003.007\n", b"\x01\x01"),
            (b"RFB 003.003\n", b"\0\0\0\x01"),
        ):
            self.assertEqual(self.heard(said), b"RFB 003.008\n" + heard)

    def test_a_wrong_choice_is_answered(self) -> None:
        self.begin()
        self.console()
        self.user.peer.send(b"RFB 003.008\n\x02")

        words = DownstreamViolation().sentence(self.session.id).encode()
        reason = len(words).to_bytes(4, "big") + words
        heard = b"RFB 003.008\n\x01\x01\0\0\0\x01" + reason
        self.assertEqual(self.user.peer.receive(), heard)


class CancelTests(SessionTestCase):
    """Ended by somebody in each of its states, the first reason counts and is told once."""

    def end(self) -> None:
        self.session.cancel(EndedByAdministrator())
        self.session.cancel(ProxyStopping())
        self.wait(5)

    def test_while_redeeming_the_use_is_given_back_when_it_was_taken(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.begin()

        self.end()
        self.assertEqual(self.user.refusals, [])
        self.store.wait["redeem"].callback(None)

        self.refused(EndedByAdministrator)
        self.assertEqual(self.store.calls, ["redeem", "restore"])
        self.assertEqual(self.user.steps, ["refuse"])

    def test_while_redeeming_a_token_that_is_not_good(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.store.fail["redeem"] = TokenUnknown()
        self.begin()

        self.end()
        self.store.wait["redeem"].callback(None)

        self.refused(TokenUnknown)

    def test_while_locating(self) -> None:
        locating: Deferred[ConsoleEndpoint] = Deferred()

        class Slow:
            def locate(self, vm: str) -> Awaitable[ConsoleEndpoint]:
                return locating

        self.serve(backends={"kvm": Slow()})
        self.begin()

        self.end()

        self.refused(EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 1)
        self.assertTrue(locating.called)

    def test_while_connecting(self) -> None:
        self.begin()

        self.end()

        self.refused(EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 1)

    def test_while_shaking_hands(self) -> None:
        self.begin()
        hypervisor = self.reactor.accept()

        self.end()

        ((error, _),) = self.user.refusals
        self.assertIsInstance(error, EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 1)
        hypervisor.send(b"RFB 003.008\n\x01\x01", bytes(4))
        self.wait(5)
        self.refused(EndedByAdministrator)
        self.assertIsNotNone(hypervisor.closed)

    def test_while_greeting(self) -> None:
        self.begin()
        hypervisor = self.console()
        self.user.peer.send(GREETING[:5])

        self.end()
        self.wait(5)

        self.refused(EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 1)
        self.assertIsNotNone(hypervisor.closed)

    def test_while_giving_back_the_earlier_reason_stays(self) -> None:
        self.kvm.consoles["web-01"] = VMNotFound()
        self.store.wait["restore"] = Deferred()
        self.begin()

        self.end()
        self.assertEqual(self.user.refusals, [])
        self.store.wait["restore"].callback(None)

        self.refused(VMNotFound)

    def test_while_being_refused_the_earlier_reason_stays(self) -> None:
        self.user = stubborn = StubbornUser(self)
        self.begin(self.user_request(""))

        self.end()
        stubborn.refused.callback(None)

        self.refused(BadRequest)

    def test_while_bytes_flow(self) -> None:
        self.open()

        self.end()

        self.closed(EndedByAdministrator)
        self.assertEqual(self.uses_given_back(), 0)
        self.assertIsNotNone(self.user.peer.closed)
        self.assertIsNotNone(self.hypervisor.closed)

    def test_while_closing(self) -> None:
        self.open()
        self.user.peer.close()

        self.end()

        self.closed(ClientGone)

    def test_when_it_is_over(self) -> None:
        self.open()
        self.user.peer.close()
        self.hypervisor.close()

        self.end()

        self.closed(ClientGone)


class ConfirmTests(SessionTestCase):
    """A use is given back only where nobody saw a screen by it."""

    def greet(self, user_request: UserRequest | None = None) -> None:
        """Begin a session, and go up to where it asks the store."""
        self.store.wait["confirm"] = Deferred()
        self.begin(user_request)
        self.hypervisor = self.console()
        self.user.peer.send(GREETING)

    def test_nothing_is_seen_before_the_store_has_taken_note(self) -> None:
        self.greet()
        self.assertEqual(self.user.peer.receive(), VIEWER_HEARS.removesuffix(SERVER_INIT))
        self.assertEqual(self.told.openings, [])

        self.store.wait["confirm"].callback(None)

        self.assertEqual(self.user.peer.receive(), SERVER_INIT)
        self.assertEqual(len(self.told.openings), 1)

    def test_a_store_that_does_not_answer_shows_nothing(self) -> None:
        self.store.fail["confirm"] = StoreUnavailable("redis is away")
        self.begin()
        hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.wait(5)

        self.refused(StoreUnavailable)
        self.assertNotIn(SERVER_INIT, self.user.peer.receive())
        self.assertIsNotNone(hypervisor.closed)

    def test_a_use_that_was_lost_meanwhile_shows_nothing(self) -> None:
        self.greet()
        self.store.fail["confirm"] = TokenRevoked()
        self.store.wait["confirm"].callback(None)
        self.wait(5)

        self.refused(TokenRevoked)
        self.assertNotIn(SERVER_INIT, self.user.peer.receive())

    def test_a_session_that_is_ended_meanwhile_is_refused(self) -> None:
        self.greet()
        self.session.cancel(EndedByAdministrator())
        self.assertEqual(self.user.refusals, [])

        self.store.wait["confirm"].callback(None)
        self.wait(5)

        self.refused(EndedByAdministrator)
        self.assertNotIn(SERVER_INIT, self.user.peer.receive())
        self.assertIsNotNone(self.hypervisor.closed)

    def test_a_viewer_that_leaves_meanwhile_gets_its_use_not_back(self) -> None:
        secret = self.issue()
        self.greet(self.user_request(secret))
        self.session.cancel(ClientGone("left"))
        self.store.wait.pop("confirm").callback(None)
        self.wait(5)
        self.refused(ClientGone)

        self.told.refusals.clear()
        cookie, self.user = self.user.cookie, User(self)
        self.open(self.user_request(secret, resume=cookie))


class SameBrowserTests(SessionTestCase):
    """One live session for each resume cookie: the newest."""

    def again(self, **more: Any) -> tuple[User, Session]:
        """Come again with the same link and cookie, as F5 does; returns what was before."""
        before = self.user, self.session
        resume = self.user.cookie
        self.user = User(self)
        self.open(self.user_request(self.session.user_request.token, resume=resume, **more))
        self.user.cookie = self.user.cookie or resume
        return before

    def test_the_older_session_ends_at_once(self) -> None:
        self.open()

        user, session = self.again()

        ((info, why),) = self.told.closings
        self.assertEqual((info.id, type(why)), (session.id, Superseded))
        self.assertTrue(user.peer.half_closed)
        self.assertEqual([info.id for info in self.sessions.list()], [self.session.id])

    def test_the_older_one_of_three_and_so_on(self) -> None:
        self.open()
        for _ in range(5):
            self.again()

        self.assertEqual(len(self.sessions.list()), 1)
        self.assertEqual([type(why) for _, why in self.told.closings], [Superseded] * 5)

    def test_a_try_that_is_still_opening_ends(self) -> None:
        secret = self.issue()
        self.begin(self.user_request(secret))
        opening, cookie = self.user, self.user.cookie
        self.console()
        self.user = User(self)

        self.open(self.user_request(secret, resume=cookie))
        self.wait(5)

        ((error, _),) = opening.refusals
        self.assertIsInstance(error, Superseded)
        self.assertEqual(len(self.sessions.list()), 1)
        self.assertNotEqual(self.user.cookie, cookie)

    def test_one_use_gives_no_second_session_whatever_is_closed(self) -> None:
        secret, cookie = self.issue(), None
        users = []
        for _ in range(5):
            self.user = User(self)
            self.begin(self.user_request(secret, resume=cookie))
            cookie = self.user.cookie or cookie
            users.append(self.user)
        del self.reactor.tcpClients[:-1]  # those were given up
        self.console()
        self.user.peer.send(GREETING)
        for user in users[:-1]:
            user.peer.close()
        self.wait(10)
        self.assertEqual(len(self.sessions.list()), 1)

        self.user = User(self)
        self.begin(self.user_request(secret))

        ((error, _),) = self.user.refusals
        self.assertIsInstance(error, TokenUsed)

    def test_it_takes_the_place_of_the_older_one_in_every_limit(self) -> None:
        for limits in (
            Limits(sessions=1),
            Limits(sessions_per_address=1),
            Limits(sessions_per_vm=1),
        ):
            self.setUp()
            self.serve(limits=limits)
            self.open()
            self.again()
            self.again()
            self.assertEqual(self.told.refusals, [])

    def test_another_browser_has_no_place_to_take(self) -> None:
        self.serve(limits=Limits(sessions_per_address=1))
        self.open()
        for resume in (None, "guess-guess-guess"):
            user = User(self)
            self.begin(self.user_request(resume=resume), user)
            self.assertIsInstance(user.refusals[0][0], OverLimit)

    def test_the_cookie_of_another_link_has_no_place_to_take(self) -> None:
        self.serve(limits=Limits(sessions=1))
        self.open()
        user = User(self)
        self.begin(self.user_request(resume=self.user.cookie), user)
        self.assertIsInstance(user.refusals[0][0], OverLimit)

    def test_a_try_that_is_refused_ends_no_other_session(self) -> None:
        self.open()
        self.store.fail["redeem"] = StoreUnavailable("redis is away")
        user = User(self)
        self.begin(
            self.user_request(self.session.user_request.token, resume=self.user.cookie), user
        )

        self.assertIsInstance(user.refusals[0][0], StoreUnavailable)
        self.assertEqual((self.told.closings, len(self.sessions.list())), ([], 1))

    def test_many_tries_at_once_count_one_too_many_at_most(self) -> None:
        self.serve(limits=Limits(sessions_per_address=1))
        self.open()
        token, cookie = self.session.user_request.token, self.user.cookie
        self.store.wait["redeem"] = Deferred()
        users = [User(self) for _ in range(5)]
        for user in users:
            self.begin(self.user_request(token, resume=cookie), user)

        self.assertEqual(len(self.sessions.list()), 2)
        self.assertEqual(sum(bool(user.refusals) for user in users), 4)

    def test_nothing_is_left_in_the_counters(self) -> None:
        self.serve(limits=Limits(sessions_per_address=1, sessions_per_vm=1))
        self.open()
        self.again()
        self.user.peer.close()
        self.told.closings.clear()
        self.user = User(self)

        self.open()

        self.assertEqual(self.told.closings, [])
        self.assertEqual(len(self.sessions.list()), 1)

    def test_stopping_waits_for_one_that_is_being_replaced(self) -> None:
        self.open()
        user, _ = self.again()

        stopped = Deferred.fromCoroutine(self.sessions.stop())
        self.wait(5)

        self.successResultOf(stopped)
        self.assertIsNotNone(user.peer.closed)


class ClosingTests(SessionTestCase):
    def test_the_user_leaves(self) -> None:
        self.open()
        self.user.peer.send(b"last key")

        self.user.peer.close()

        info = self.closed(ClientGone)
        self.assertEqual(info.bytes_up, len(GREETING) + 8)
        self.assertEqual(self.hypervisor.receive(), b"last key")
        self.assertTrue(self.hypervisor.half_closed)
        self.assertEqual(self.uses_given_back(), 0)

    def test_the_console_closes(self) -> None:
        self.open()
        self.hypervisor.send(b"last pixels")

        self.hypervisor.close()
        self.reactor.refuse()

        self.closed(ConsoleEnded)
        self.assertEqual(self.user.peer.receive(), b"last pixels")
        self.assertTrue(self.user.peer.half_closed)

    def test_a_console_that_still_admits_viewers_was_taken_by_another_one(self) -> None:
        self.open()

        self.hypervisor.close()
        again = self.reactor.accept()
        again.send(b"RFB 003.008\n\x01\x01", bytes(4))
        self.assertEqual(self.told.closings, [])
        again.close()

        self.closed(ConsoleTaken)
        self.assertEqual(again.receive(), b"RFB 003.008\n\x01", "the screen is not asked for")
        self.assertTrue(self.user.peer.half_closed)

    def test_a_reset_while_bytes_are_on_their_way_may_be_another_viewers(self) -> None:
        self.open()
        self.wait(5)
        self.user.peer.send(b"key")

        self.hypervisor.reset()
        again = self.reactor.accept()
        again.send(b"RFB 003.008\n\x01\x01", bytes(4))
        again.close()

        self.closed(ConsoleTaken)

    def test_a_console_that_is_silent_when_asked_again_has_ended(self) -> None:
        self.open()

        self.hypervisor.close()
        self.reactor.accept()
        self.wait(1)

        self.closed(ConsoleEnded)

    def test_a_machine_that_does_not_run_when_asked_again_has_ended_its_console(self) -> None:
        self.open()
        self.kvm.consoles["web-01"] = ConsoleUnavailable("shut off")

        self.hypervisor.close()

        self.closed(ConsoleEnded)
        self.assertEqual(self.reactor.tcpClients, [])

    def test_the_console_closes_because_its_machine_has_moved(self) -> None:
        moved = MovedAway()
        self.serve(backends={"kvm": moved})
        self.open()

        self.hypervisor.close()
        self.assertEqual(self.told.closings, [])
        self.assertFalse(self.user.peer.half_closed)
        moved.answer.callback("192.0.2.11")

        self.closed(ConsoleMoved)
        self.assertTrue(self.user.peer.half_closed)

    def test_a_defect_of_who_is_asked_keeps_no_session_from_ending(self) -> None:
        moved = MovedAway()
        self.serve(backends={"kvm": moved})
        self.open()

        self.hypervisor.close()
        moved.answer.errback(RuntimeError("a defect"))

        self.closed(ConsoleEnded)
        self.assertTrue(self.user.peer.half_closed)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_only_some_ask_when_many_consoles_close_at_once(self) -> None:
        moved = MovedAway()
        self.serve(backends={"kvm": moved})
        consoles = []
        for _ in range(MOST_ASKING + 1):
            self.user = User(self)
            self.open()
            consoles.append(self.hypervisor)

        for console in consoles:
            console.close()

        self.closed(ConsoleEnded, live=MOST_ASKING)
        moved.answer.callback("192.0.2.10")
        for _ in range(MOST_ASKING):
            self.reactor.refuse()
        self.assertEqual(self.sessions.list(), [])
        self.assertEqual(self.sessions.asking, 0)

    def test_a_user_who_leaves_meanwhile_waits_for_nothing(self) -> None:
        moved = MovedAway()
        self.serve(backends={"kvm": moved})
        self.open()
        self.hypervisor.close()

        self.user.peer.close()
        moved.answer.callback("192.0.2.11")

        self.closed(ConsoleMoved)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_user_who_leaves_first_asks_nobody_where_the_machine_is(self) -> None:
        self.serve(backends={"kvm": MovedAway()})
        self.open()

        self.user.peer.close()

        self.closed(ClientGone)

    def test_a_side_is_lost(self) -> None:
        for side in ("upstream", "downstream"):
            self.setUp()
            self.open()
            self.wait(5)

            (self.hypervisor if side == "upstream" else self.user.peer).reset()

            info = self.closed(ConnectionLost)
            self.assertEqual((info.side, info.host), (side, "192.0.2.10"))

    def test_an_end_that_the_proxy_means_is_of_no_side(self) -> None:
        self.open()
        self.session.cancel(EndedByAdministrator())

        self.assertEqual(self.closed(EndedByAdministrator).side, "")

    def test_a_viewer_that_answers_no_ping_is_the_side_that_was_lost(self) -> None:
        self.open()
        self.session.cancel(ConnectionLost("no answer to a ping"))

        self.assertEqual(self.closed(ConnectionLost).side, "downstream")

    def test_live_bytes_are_known_before_the_end(self) -> None:
        self.assertEqual(self.sessions.bytes_moved(), (0, 0))
        self.open()
        self.hypervisor.send(b"x" * 1000)

        self.assertEqual(
            self.sessions.bytes_moved(), (hypervisor_bytes(b"x" * 1000), len(GREETING))
        )
        self.user.peer.close()
        self.assertEqual(self.sessions.bytes_moved(), (0, 0))

    def test_a_side_that_does_not_close_is_cut_after_the_linger_time(self) -> None:
        self.open()
        self.user.peer.close()
        self.assertIsNone(self.hypervisor.closed)

        self.wait(5)

        self.assertIsNotNone(self.hypervisor.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_the_longest_duration_is_counted_from_the_first_redemption(self) -> None:
        secret = self.issue(Policy(max_duration=100))
        self.open(self.user_request(secret))
        cookie = self.user.cookie
        self.user.peer.close()
        self.wait(60)

        self.user = User(self)
        self.told.closings.clear()
        self.open(self.user_request(secret, resume=cookie))
        self.reactor.pump([1] * 39)
        self.assertEqual(self.told.closings, [])
        self.reactor.pump([1])

        self.closed(TimeLimit)

    def test_the_idle_limit_ends_it(self) -> None:
        self.open(self.user_request(self.issue(Policy(idle_timeout=20))))

        self.reactor.pump([1] * 21)

        self.closed(IdleLimit)

    def test_a_relay_that_does_not_begin_leaves_nothing_open(self) -> None:
        def broken(*_: object) -> Deferred[VNCProxyError]:
            raise RuntimeError("a defect")

        self.serve(join=broken)
        self.begin()
        hypervisor = self.console()
        self.user.peer.send(GREETING)

        self.closed(HypervisorError)
        self.assertEqual(len(self.told.openings), 1)
        self.assertTrue(self.user.peer.half_closed and hypervisor.half_closed)
        self.wait(5)
        self.assertIsNotNone(self.user.peer.closed)
        self.assertIsNotNone(hypervisor.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_watchdog_that_does_not_begin_leaves_nothing_open(self) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("a defect")

        self.patch(Watchdog, "start", broken)
        self.begin()
        hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.wait(5)

        self.closed(HypervisorError)
        self.assertIsNotNone(hypervisor.closed)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_an_observer_that_fails_ends_nothing(self) -> None:
        class Full(Told):
            def opened(self, session: SessionInfo) -> None:
                raise OSError("no space left on device")

        self.serve(observers=(Full(), self.told))

        self.open()
        self.user.peer.close()

        self.closed(ClientGone)
        self.assertEqual(len(self.told.openings), 1)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_a_session_that_is_over_is_not_kept_alive(self) -> None:
        gone = weakref.ref(self.open())
        self.user.peer.close()
        self.hypervisor.close()

        del self.session, self.user, self.hypervisor
        gc.collect()

        self.assertIsNone(gone())
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class DefectTests(SessionTestCase):
    """A backend of somebody else's that asks for a handshake which is none."""

    def setUp(self) -> None:
        super().setUp()
        endpoint = self.kvm.consoles["web-01"]
        assert isinstance(endpoint, ConsoleEndpoint)
        nonsense: Any = ("a handshake that is none",)
        self.kvm.consoles["web-01"] = replace(endpoint, handshakes=nonsense)

    def test_a_handshake_that_breaks_is_told_at_once_and_stands_in_the_log(self) -> None:
        self.begin()
        self.reactor.accept().send(b"RFB 003.008\n\x01\x01")

        ((error, session_id),) = self.user.refusals
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertEqual(
            error.sentence(session_id),
            f"The hypervisor could not show the console. Ask your administrator, id {session_id}.",
        )


class LimitTests(SessionTestCase):
    def refused_over_limit(self, user_request: UserRequest) -> OverLimit:
        user = User(self)
        self.begin(user_request, user)
        ((error, _),) = user.refusals
        assert isinstance(error, OverLimit), error
        return error

    def test_sessions_in_all(self) -> None:
        self.serve(limits=Limits(sessions=2))
        for client in ("198.51.100.1", "198.51.100.2"):
            self.begin(self.user_request(client=client), User(self))

        error = self.refused_over_limit(self.user_request(client="198.51.100.3"))

        self.assertIn("2 sessions are open, limits.sessions", str(error))
        self.assertEqual(self.store.calls, ["redeem", "redeem"])

    def test_sessions_of_one_address(self) -> None:
        self.serve(limits=Limits(sessions_per_address=2))
        for _ in range(2):
            self.begin(user=User(self))
        self.begin(self.user_request(client="198.51.100.99"), User(self))

        error = self.refused_over_limit(self.user_request())

        self.assertIn("limits.sessions_per_address", str(error))

    def test_sessions_of_one_machine(self) -> None:
        self.serve(limits=Limits(sessions_per_vm=2))
        self.kvm.consoles["db-01"] = self.kvm.consoles["web-01"]
        for _ in range(2):
            self.begin(user=User(self))
        self.begin(self.user_request(self.issue(vm=VMAddress("kvm", "db-01"))), User(self))

        error = self.refused_over_limit(self.user_request())

        self.assertIn("2 sessions of kvm/web-01, limits.sessions_per_vm", str(error))
        self.assertEqual(self.uses_given_back(), 1)

    def test_there_is_room_again_when_one_is_over(self) -> None:
        self.serve(limits=Limits(sessions=1))
        self.open()
        self.refused_over_limit(self.user_request())
        self.told.refusals.clear()

        self.user.peer.close()
        self.user = User(self)

        self.open()


class TurnTests(SessionTestCase):
    """More users than can begin at once wait for their turn, before anything is asked."""

    def setUp(self) -> None:
        super().setUp()
        self.serve(limits=Limits(openings=1, waiting=1))
        self.store.wait["redeem"] = self.redeemed = Deferred[None]()
        self.addCleanup(self.wait, 1)  # ends the turns of those that never open
        self.addCleanup(self.let_redeem)
        self.begin(self.user_request(client="198.51.100.1"), User(self))

    def told_user(self, kind: type[VNCProxyError]) -> VNCProxyError:
        ((error, _),) = self.user.refusals
        self.assertIsInstance(error, kind)
        return error

    def let_redeem(self) -> None:
        self.store.wait.clear()
        if not self.redeemed.called:
            self.redeemed.callback(None)

    def test_token_is_redeemed_when_the_turn_has_come(self) -> None:
        self.begin()
        self.assertEqual(self.store.calls, ["redeem"])
        self.let_redeem()
        self.assertEqual(self.store.calls, ["redeem"])
        self.reactor.refuse()
        self.assertEqual(self.store.calls, ["redeem", "redeem", "restore"])
        self.assertEqual(self.user.steps, ["admit"])

    def test_hypervisor_that_takes_its_time_takes_no_turn_from_others(self) -> None:
        self.let_redeem()
        self.begin()
        self.wait(0.9)
        self.assertEqual(self.store.calls, ["redeem"])
        self.wait(0.2)
        self.assertEqual(self.store.calls, ["redeem", "redeem"])

    def test_viewer_that_leaves_while_it_waits_uses_no_token(self) -> None:
        self.begin()
        self.session.cancel(ClientGone("closed by the peer"))
        self.let_redeem()
        self.assertEqual(self.store.calls, ["redeem"])
        self.told_user(ClientGone)

    def test_user_for_whom_there_is_no_place_is_told_that_it_is_busy(self) -> None:
        self.begin(user=User(self))
        self.begin()
        error = self.told_user(Busy)
        self.assertEqual((error.close_code, error.status), (4115, 503))
        self.assertEqual(self.sessions.admission.waiting, 1)

    def test_user_who_has_waited_too_long_is_told_that_it_is_busy(self) -> None:
        self.begin()
        self.wait(5)
        self.told_user(Busy)
        self.assertEqual(len(self.sessions.list()), 1)

    def test_token_that_is_refused_frees_its_turn(self) -> None:
        self.begin()
        self.store.fail["redeem"] = TokenUnknown("no such token")
        self.let_redeem()
        self.assertEqual(self.store.calls, ["redeem", "redeem"])

    def test_those_who_wait_are_told_when_the_proxy_stops(self) -> None:
        self.begin()
        stopping = Deferred.fromCoroutine(self.sessions.stop())
        self.told_user(ProxyStopping)
        self.let_redeem()
        self.successResultOf(stopping)


class RegistryTests(SessionTestCase):
    def test_no_two_live_sessions_have_the_same_id(self) -> None:
        ids = iter(["7f3a0001", "7f3a0001", "7f3a0002"])
        self.patch(sessions, "new_id", lambda: next(ids))
        first = self.begin(user=User(self))

        self.assertEqual((first.id, self.begin(user=User(self)).id), ("7f3a0001", "7f3a0002"))

    def test_one_session_is_ended_by_its_id(self) -> None:
        self.open()

        self.assertTrue(self.sessions.end(self.session.id, EndedByAdministrator()))
        self.assertFalse(self.sessions.end("00000000", EndedByAdministrator()))

        self.closed(EndedByAdministrator)

    def test_sessions_are_ended_by_all_criteria_given(self) -> None:
        self.kvm.consoles["db-01"] = self.kvm.consoles["web-01"]
        db_01 = VMAddress("kvm", "db-01")
        for vm, user in ((WEB_01, "alice"), (WEB_01, "bob"), (db_01, "bob")):
            self.begin(self.user_request(self.issue(vm=vm, user=user)), User(self))
        assert self.session.grant is not None
        why = EndedByAdministrator()

        self.assertEqual(self.sessions.end_where(why, vm=WEB_01, user="carol"), 0)
        self.assertEqual(self.sessions.end_where(why, vm=WEB_01, user="bob"), 1)
        self.assertEqual(self.sessions.end_where(why, vm=WEB_01), 1)
        self.assertEqual(self.sessions.end_where(why, token_id=self.session.grant.token_id), 1)
        self.assertEqual(self.sessions.list(), [])

    def test_without_criteria_all_are_ended(self) -> None:
        for _ in range(3):
            self.begin(user=User(self))

        self.assertEqual(self.sessions.end_where(EndedByAdministrator()), 3)

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.sessions.stop())

    def test_stopping_without_sessions_is_done_at_once(self) -> None:
        self.successResultOf(self.stop())

    def test_stopping_waits_until_both_sides_are_closed(self) -> None:
        self.open()

        stopped = self.stop()
        self.closed(ProxyStopping)
        self.user.peer.close()
        self.assertNoResult(stopped)
        self.hypervisor.close()

        self.successResultOf(stopped)

    def test_stopping_takes_no_longer_than_the_linger_time(self) -> None:
        self.open()

        stopped = self.stop()
        self.wait(4.9)
        self.assertNoResult(stopped)
        self.wait(0.1)

        self.successResultOf(stopped)

    def test_stopping_is_bounded_when_a_leg_had_ended_by_itself(self) -> None:
        self.open()
        self.user.peer.close()

        stopped = self.stop()
        self.wait(5)

        self.successResultOf(stopped)

    def test_stopping_waits_until_a_user_who_was_still_waiting_is_told(self) -> None:
        self.user = stubborn = StubbornUser(self)
        self.begin()

        stopped = self.stop()
        self.assertNoResult(stopped)
        stubborn.refused.callback(None)

        self.successResultOf(stopped)
        self.wait(5)
        self.refused(ProxyStopping)
        self.assertEqual(self.uses_given_back(), 1)

    def test_new_sessions_are_refused_while_stopping(self) -> None:
        self.stop()

        self.begin()

        self.refused(ProxyStopping)
        self.assertEqual(self.store.calls, [])
