"""Sessions that are refused before bytes flow."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from ipaddress import ip_network

from twisted.internet.defer import Deferred

from tests.doubles.sessions import SessionTestCase, User
from vncproxy.errors import (
    BackendError,
    BadRequest,
    ConfirmationNeeded,
    ConsoleUnavailable,
    Forbidden,
    HypervisorError,
    StoreUnavailable,
    TokenExpired,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
    UpstreamRefused,
    UpstreamUnreachable,
    UpstreamViolation,
    VMNotFound,
)
from vncproxy.model import (
    ConsoleEndpoint,
    Policy,
    VMAddress,
    secret_id,
)
from vncproxy.testing import ScriptedRFBServer, rfb_script
from vncproxy.tokens.external.store import StoreWithSources


class AskingTests(SessionTestCase):
    """Links that are confirmed before they are redeemed."""

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
            self.assertEqual(self.observer.refusals[0][0].token_id, token_id)
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

        self.assertIn("no backend and no zone 'esx'", str(self.refused(VMNotFound)))
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
        self.assertEqual(self.observer.refusals[0][0].host, "192.0.2.10")
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
        self.assertEqual(self.uses_given_back(), 0)  # none was taken
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
        self.begin(self.user_request(untrusted_origin="https://evil.example"))

        self.assertIn("https://evil.example", str(self.refused(Forbidden)))
        self.assertEqual(self.uses_given_back(), 0)  # none was taken

    def test_a_page_that_the_token_allows(self) -> None:
        policy = Policy(allowed_origins=("https://portal.example",))

        self.open(self.user_request(self.issue(policy), untrusted_origin="https://portal.example"))

    def test_pages_that_a_pattern_of_the_token_allows(self) -> None:
        policy = Policy(allowed_origins=("https://*.portal.example",))

        self.open(
            self.user_request(self.issue(policy), untrusted_origin="https://a.portal.example")
        )

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

        self.observer.refusals.clear()
        self.user = User(self)
        self.open(self.user_request(secret))
        self.user.peer.close()

        self.user = User(self)
        self.observer.closings.clear()
        self.observer.openings.clear()
        self.begin(self.user_request(secret))
        self.wait(5)
        self.refused(TokenUsed)
