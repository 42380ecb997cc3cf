from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vncproxy.errors import EndedByAdministrator, OverLimit, TokenUnknown, UpstreamUnreachable
from vncproxy.interfaces import ISessionObserver
from vncproxy.metrics import Registry
from vncproxy.metrics.labels import MAX_BACKENDS, OTHER, BackendLabels
from vncproxy.model import ConsoleType, SessionInfo, VMAddress
from vncproxy.session.metrics import Metrics


def session(
    backend: str | None = "kvm", *, seconds: float = 0.2, down: int = 0, up: int = 0
) -> SessionInfo:
    return SessionInfo(
        id="7f3a0001",
        type=ConsoleType.NOVNC,
        client="192.0.2.1",
        started_at=1000.0,
        vm=VMAddress(backend, "web-01") if backend else None,
        seconds=seconds,
        bytes_down=down,
        bytes_up=up,
    )


class MetricsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.registry = Registry()
        self.metrics = Metrics(self.registry, BackendLabels())

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"vncproxy_{name}", labels)

    def outcome(self, backend: str, code: str) -> float | None:
        return self.value("sessions_total", backend=backend, type="novnc", outcome=code)

    def test_observes_sessions(self) -> None:
        self.assertTrue(verifyObject(ISessionObserver, self.metrics))

    def test_refusal_is_counted_by_its_code(self) -> None:
        self.metrics.refused(session(), UpstreamUnreachable("no route"))
        self.metrics.refused(session(), UpstreamUnreachable("no route"))

        self.assertEqual(self.outcome("kvm", "upstream-unreachable"), 2)
        refused = self.value("refusals_total", backend="kvm", reason="upstream-unreachable")
        self.assertEqual(refused, 2)
        self.assertEqual(self.value("sessions_open"), 0)

    def test_all_refusals_of_a_process_are_known_by_reason(self) -> None:
        refusals = self.metrics.refusals(lambda: (9, 0, 4))
        self.assertEqual(refusals(), {"too-often": 4})
        for error in (TokenUnknown(), TokenUnknown(), OverLimit("9 are open", option="sessions")):
            self.metrics.refused(session(None), error)

        self.assertEqual(refusals(), {"too-often": 4, "token-unknown": 2, "over-limit": 1})

    def test_refusals_by_the_service_itself_are_shown_before_there_is_one(self) -> None:
        for reason in ("store-unavailable", "busy", "over-limit", "audit-unavailable"):
            self.assertEqual(self.value("refusals_total", backend="", reason=reason), 0)

    def test_refusal_before_the_vm_is_known_has_no_backend(self) -> None:
        self.metrics.refused(session(None), TokenUnknown())

        self.assertEqual(self.outcome("", "token-unknown"), 1)

    def test_open_session_is_a_gauge_and_its_opening_is_timed(self) -> None:
        self.metrics.opened(session(seconds=0.2))

        self.assertEqual(self.value("sessions_open"), 1)
        self.assertEqual(self.value("open_seconds_sum"), 0.2)
        self.assertEqual(self.value("open_seconds_bucket", le="0.1"), 0)
        self.assertEqual(self.value("open_seconds_bucket", le="0.25"), 1)

    def test_closed_session_leaves_the_gauge_and_adds_time_and_bytes(self) -> None:
        self.metrics.opened(session())

        self.metrics.closed(session(seconds=90, down=5000, up=70), EndedByAdministrator())

        self.assertEqual(self.value("sessions_open"), 0)
        self.assertEqual(self.value("session_seconds_sum"), 90)
        self.assertEqual(self.value("bytes_total", direction="down"), 5000)
        self.assertEqual(self.value("bytes_total", direction="up"), 70)
        self.assertEqual(self.outcome("kvm", "ended-by-administrator"), 1)

    def test_bytes_are_counted_while_they_flow(self) -> None:
        live = [(100, 10)]
        self.metrics.count_live(lambda: live[0])
        self.assertEqual(self.value("bytes_total", direction="down"), 100)

        self.metrics.closed(session(down=150, up=15), EndedByAdministrator())
        live[0] = (0, 0)

        self.assertEqual(self.value("bytes_total", direction="down"), 150)
        self.assertEqual(self.value("bytes_total", direction="up"), 15)

    def test_backends_without_end_are_counted_together(self) -> None:
        for number in range(MAX_BACKENDS + 5):
            self.metrics.refused(session(f"b{number}"), TokenUnknown())

        self.assertEqual(self.outcome(f"b{MAX_BACKENDS - 1}", "token-unknown"), 1)
        self.assertIsNone(self.outcome(f"b{MAX_BACKENDS}", "token-unknown"))
        self.assertEqual(self.outcome(OTHER, "token-unknown"), 5)

    def test_sessions_over_a_limit_are_counted_by_the_limit(self) -> None:
        self.metrics.refused(session(), OverLimit("x", option="sessions_per_user"))
        self.assertEqual(self.value("over_limit_total", limit="sessions_per_user"), 1)

    def test_connections_and_what_was_turned_away(self) -> None:
        self.metrics.count_connections(lambda: (3, 20, 100))

        self.assertEqual(self.value("connections_open"), 3)
        self.assertEqual(self.value("turned_away_total", reason="no-room"), 20)
        self.assertEqual(self.value("turned_away_total", reason="too-often"), 100)
