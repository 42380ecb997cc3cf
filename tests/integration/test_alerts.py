"""The shipped alerts: accepted by Prometheus, and each fires when it should and only then."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vncproxy import errors

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "etc" / "alerts.yml"
_HEADING = re.compile(r"^#+ (.+)$", re.M)

Series = dict[str, str]


def a(name: str, **labels: str) -> str:
    """Return a series of the proxy ``a``."""
    pairs = {"job": "vncproxy", "instance": "a", **labels}
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in pairs.items()) + "}"


def slow(name: str, bound: str, next_bound: str, **labels: str) -> Series:
    """Return a histogram in which all of ten observations a minute are between two bounds."""
    counts = {bound: "0x120", next_bound: "0+10x120", "+Inf": "0+10x120"}
    return {a(f"{name}_bucket", le=le, **labels): values for le, values in counts.items()}


def fast(name: str, **labels: str) -> Series:
    return slow(name, "0.0005", "0.001", **labels)


@dataclass
class Case:
    """One alert, series that let it fire and series that do not.

    Attributes:
        summary: what it says.
        labels: those of the alert beside ``severity`` and ``instance``.
        at: when it has begun to fire.
    """

    alert: str
    summary: str
    bad: Series
    good: Series
    severity: str = "warning"
    labels: dict[str, str] = field(default_factory=dict)
    at: str = "20m"
    instance: str | None = "a"


JOB = {"job": "vncproxy"}
_REDEEM = {"operation": "redeem"}
_KVM = {"backend": "kvm"}
_TOO_OFTEN, _NO_ROOM = {"reason": "too-often"}, {"reason": "no-room"}
_UNKNOWN = {"backend": "", "reason": "token-unknown"}
_STORE = {"backend": "", "reason": "store-unavailable"}
_UNREACHABLE = {**_KVM, "step": "connect", "reason": "upstream-unreachable"}
_OFF = {**_KVM, "step": "locate", "reason": "console-unavailable"}
_LOCATED = {a("vncproxy_backend_seconds_count", step="locate", **_KVM): "0+10x120"}
_BUILD = {"python": "3.11", "twisted": "24"}


def _digests(second: str) -> Series:
    return {
        a("vncproxy_configuration_info", digest="1111"): "1x120",
        a("vncproxy_configuration_info", instance="b", digest="1111"): "0x120",
        a("vncproxy_configuration_info", instance="b", digest=second): "1x120",
    }


def _versions(second: str) -> Series:
    return {
        a("vncproxy_build_info", version="1.0", **_BUILD): "1x1600",
        a("vncproxy_build_info", instance="b", version=second, **_BUILD): "1x1600",
    }


CASES = [
    Case(
        "VncproxyDown",
        "a does not answer",
        {a("up"): "0x120"},
        {a("up"): "1x120", 'up{job="node",instance="a"}': "0x120"},
        "critical",
        JOB,
    ),
    Case(
        "VncproxyRedisFails",
        "a cannot use Redis: no console opens, open ones go on",
        {a("vncproxy_redis_errors_total", **_REDEEM): "0+1x120"},
        {a("vncproxy_redis_errors_total", **_REDEEM): "7x120"},
        "critical",
    ),
    Case(
        "VncproxyRedisSlow",
        "a: Redis takes 497.5ms (99th percentile)",
        slow("vncproxy_redis_operation_seconds", "0.25", "0.5", **_REDEEM),
        fast("vncproxy_redis_operation_seconds", **_REDEEM),
    ),
    Case(
        "VncproxyBackendFails",
        "a: 50% of the consoles of kvm fail",
        {a("vncproxy_backend_errors_total", **_UNREACHABLE): "0+5x120", **_LOCATED},
        {
            a("vncproxy_backend_errors_total", **_UNREACHABLE): "0+1x120",
            a("vncproxy_backend_errors_total", **_OFF): "0+9x120",
            **_LOCATED,
        },
        labels=_KVM,
    ),
    Case(
        "VncproxyBackendSlow",
        "a: kvm takes 4.75s to locate",
        slow("vncproxy_backend_seconds", "2.5", "5", step="locate", **_KVM),
        fast("vncproxy_backend_seconds", step="locate", **_KVM),
        labels={**_KVM, "step": "locate"},
        at="30m",
    ),
    Case(
        "VncproxyRefuses",
        "a refuses users: store-unavailable",
        {a("vncproxy_refusals_total", **_STORE): "0+6x120"},
        {a("vncproxy_refusals_total", **_UNKNOWN): "0+600x120"},
        "critical",
        {"reason": "store-unavailable"},
    ),
    Case(
        "VncproxyTokensTried",
        "a: 20 links a second are unknown",
        {
            a("vncproxy_refusals_total", **_UNKNOWN): "0+600x120",
            a("vncproxy_turned_away_total", **_TOO_OFTEN): "0+600x120",
        },
        {
            a("vncproxy_refusals_total", **_UNKNOWN): "0+6x120",
            a("vncproxy_turned_away_total", **_TOO_OFTEN): "0x120",
        },
    ),
    Case(
        "VncproxyOpensSlowly",
        "a: consoles take 4.875s to open",
        slow("vncproxy_open_seconds", "2.5", "5"),
        fast("vncproxy_open_seconds"),
    ),
    Case(
        "VncproxyNearlyFull",
        "a: 95% of limits.sessions are open",
        {a("vncproxy_sessions_open"): "950x120", a("vncproxy_sessions_limit"): "1000x120"},
        {a("vncproxy_sessions_open"): "850x120", a("vncproxy_sessions_limit"): "1000x120"},
        labels=JOB,
    ),
    Case(
        "VncproxyUsersWait",
        "a: 3 users wait for their turn to open a console",
        {a("vncproxy_sessions_waiting"): "3x120"},
        {a("vncproxy_sessions_waiting"): "3 0 3 0 3 0 0x120"},
        labels=JOB,
    ),
    Case(
        "VncproxyTurnsAway",
        "a turns 2 connections a second away",
        {
            a("vncproxy_turned_away_total", **_NO_ROOM): "0+60x120",
            a("vncproxy_accepts_dropped_total", outcome="refused"): "0+60x120",
        },
        {
            a("vncproxy_turned_away_total", **_NO_ROOM): "9x120",
            a("vncproxy_turned_away_total", **_TOO_OFTEN): "0+60x120",
            a("vncproxy_accepts_dropped_total", outcome="refused"): "0x120",
        },
        "critical",
    ),
    Case(
        "VncproxyLate",
        "a is 242.5ms late: all its users feel it",
        slow("vncproxy_reactor_lag_seconds", "0.1", "0.25"),
        fast("vncproxy_reactor_lag_seconds"),
    ),
    Case(
        "VncproxyDescriptors",
        "a: 90% of the file descriptors are in use",
        {a("process_open_fds"): "900x120", a("process_max_fds"): "1000x120"},
        {a("process_open_fds"): "700x120", a("process_max_fds"): "1000x120"},
        labels=JOB,
    ),
    Case(
        "VncproxyAuditFails",
        "a cannot write its audit lines",
        {a("vncproxy_audit_lines_waiting"): "4x120", a("vncproxy_audit_lines_lost_total"): "0x120"},
        {a("vncproxy_audit_lines_waiting"): "0x120", a("vncproxy_audit_lines_lost_total"): "9x120"},
        "critical",
        JOB,
    ),
    Case(
        "VncproxyRecordingsWait",
        "a: recordings have waited 40m 0s to be uploaded",
        {a("vncproxy_recordings_waiting_seconds"): "2400x120"},
        {a("vncproxy_recordings_waiting_seconds"): "1700x120"},
        labels=JOB,
    ),
    Case(
        "VncproxyConfigurationRefused",
        "a was told to reload and refused its configuration",
        {a("vncproxy_configuration_in_force"): "0x120"},
        {a("vncproxy_configuration_in_force"): "1x120"},
        labels=JOB,
    ),
    Case(
        "VncproxyConfigurationsDiffer",
        "2 different configurations are in force",
        _digests("2222"),
        _digests("1111"),
        labels=JOB,
        instance=None,
    ),
    Case(
        "VncproxyVersionsDiffer",
        "2 versions run for a day",
        _versions("1.1"),
        _versions("1.0"),
        labels=JOB,
        at="25h",
        instance=None,
    ),
    Case(
        "VncproxyDrainsLong",
        "a drains for two hours, and takes no new users",
        {a("vncproxy_draining"): "1x200"},
        {a("vncproxy_draining"): "1x100 0x100"},
        labels=JOB,
        at="130m",
    ),
    Case(
        "VncproxyRestarts",
        "a has started 3 times in 15 minutes",
        {a("process_start_time_seconds"): "1x10 2 2 3 3 4x120"},
        {a("process_start_time_seconds"): "1x10 2x120"},
        "critical",
        JOB,
    ),
    Case(
        "VncproxyWorkersEnd",
        "a: worker processes have ended unexpectedly, with their sessions",
        {a("vncproxy_worker_restarts_total"): "0x15 1x120"},
        {a("vncproxy_worker_restarts_total"): "5x120"},
        "critical",
        JOB,
    ),
    Case(
        "VncproxyOrdersLate",
        "a: processes did not confirm that they ended sessions",
        {a("vncproxy_orders_unconfirmed_total"): "0x15 2x120"},
        {a("vncproxy_orders_unconfirmed_total"): "2x120"},
        labels=JOB,
    ),
]


def tests_of(case: Case) -> list[dict[str, object]]:
    """Return the two unit tests of an alert, as ``promtool`` reads them."""
    instance = {} if case.instance is None else {"instance": case.instance}
    fires = {
        "exp_labels": {"severity": case.severity, **instance, **case.labels},
        "exp_annotations": {
            "summary": case.summary,
            "runbook": f"docs/operating.md#{case.alert.lower()}",
        },
    }
    return [
        {
            "name": f"{case.alert} {'fires' if expected else 'does not fire'}",
            "interval": "1m",
            "input_series": [{"series": name, "values": v} for name, v in series.items()],
            "alert_rule_test": [
                {"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}
            ],
        }
        for series, expected in ((case.bad, [fires]), (case.good, []))
    ]


def promtool(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class AlertTests(SynchronousTestCase):
    maxDiff = None

    def test_prometheus_accepts_them(self) -> None:
        status, said = promtool("check", "rules", str(ALERTS))

        self.assertEqual(status, 0, said)
        self.assertIn(f"{len(CASES)} rules found", said)

    def test_each_fires_when_it_should_and_only_then(self) -> None:
        file = Path(self.mktemp()).resolve()
        file.write_text(
            json.dumps(
                {
                    "rule_files": [str(ALERTS)],
                    "evaluation_interval": "1m",
                    "tests": [test for case in CASES for test in tests_of(case)],
                }
            )
        )

        status, said = promtool("test", "rules", str(file))

        self.assertEqual(status, 0, said)

    def test_each_is_tested_and_described(self) -> None:
        alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text())
        headings = _HEADING.findall((ROOT / "docs" / "operating.md").read_text())

        self.assertEqual(alerts, [case.alert for case in CASES])
        self.assertEqual([each for each in headings if each.startswith("Vncproxy")], alerts)

    def test_reasons_are_codes_of_errors(self) -> None:
        codes = {kind.code for kind in vars(errors).values() if hasattr(kind, "code")}
        codes |= {"too-often", "no-room"}
        for reasons in re.findall(r'reason[!=]~?"([^"]+)"', ALERTS.read_text()):
            self.assertEqual(set(reasons.split("|")) - codes, set())
