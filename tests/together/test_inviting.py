"""Pages whose users invite others."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from twisted.internet.defer import Deferred

from tests.doubles.sessions import SessionTestCase
from tests.together.test_links import URLS
from vncproxy.errors import BadRequest, Busy, Forbidden
from vncproxy.model import JoinKind, Mode, Policy, secret_id
from vncproxy.session.session import Session
from vncproxy.together.inviting import MOST_AT_ONCE, WITHIN, Invitations
from vncproxy.together.links import SessionLinks
from vncproxy.tokens.issuing import IssueRules, TokenIssuer
from vncproxy.tokens.machine_check import MachineCheck


class InvitingTests(SessionTestCase):
    def setUp(self) -> None:
        super().setUp()
        backends = self.sessions.services.backends
        rules = IssueRules(ttl=600, max_ttl=3600, urls=URLS, backends=backends)
        machines = MachineCheck(backends, self.reactor, 5)
        issuer = TokenIssuer(self.store, rules, machines, self.time)
        links = SessionLinks(issuer, backends)
        self.notes: list[Any] = []
        self.invitations = Invitations(
            lambda: links, lambda *note: self.notes.append(note), self.reactor.seconds
        )

    def host(self, most: Mode | None = Mode.CONTROL) -> Session:
        return self.open(self.user_request(self.issue(Policy(may_invite=most))))

    def ask(self, session: Session, **message: Any) -> Deferred[Any]:
        asked = {"name": "Bob", "mode": "view-only", **message}
        return Deferred.fromCoroutine(self.invitations.answer(session, asked))

    def test_the_answer_has_a_link_that_is_bound_to_the_session(self) -> None:
        session = self.host()

        answer = self.successResultOf(self.ask(session, mode="control"))

        base, _, secret = answer["url"].partition("?token=")
        self.assertEqual((base, answer["seconds"]), ("https://console/", 600))
        showing = Deferred.fromCoroutine(self.store.show(secret_id(secret)))
        token = self.successResultOf(showing).token
        assert token.joins is not None
        self.assertEqual((token.joins.session, token.joins.kind), (session.id, JoinKind.GUEST))
        self.assertEqual(token.user, "guest of alice: Bob")
        (event, note), *more = self.notes
        self.assertEqual((event, note["session"], more), ("invite", session.id, []))
        self.assertNotIn(secret, str(note))

    def test_nothing_is_made_for_a_page_whose_policy_allows_none(self) -> None:
        session = self.host(None)
        self.failureResultOf(self.ask(session), Forbidden)
        self.assertEqual(self.notes, [])

    def test_one_who_has_lost_the_control_gives_none_away(self) -> None:
        session = self.host()
        session.rights = Mock(mode=Mode.VIEW_ONLY, effective=Mode.VIEW_ONLY)
        self.failureResultOf(self.ask(session, mode="control"), Forbidden)
        self.successResultOf(self.ask(session))

    def test_many_links_within_a_minute_are_too_many(self) -> None:
        session = self.host()
        for _ in range(MOST_AT_ONCE):
            self.successResultOf(self.ask(session))
        self.failureResultOf(self.ask(session), Busy)

        self.reactor.advance(WITHIN)

        self.successResultOf(self.ask(session))

    def test_malformed_requests_are_refused(self) -> None:
        session = self.host()
        names: list[Any] = [None, 7, "", "  ", "x" * 101, "a\nb", "a\u202eb"]
        modes: list[Any] = [None, 7, "all", [], {}]
        for name in names:
            self.failureResultOf(self.ask(session, name=name), BadRequest)
        for mode in modes:
            self.failureResultOf(self.ask(session, mode=mode), BadRequest)
