"""Schemathesis, which makes requests of ``/v1/openapi.json``, against a real ``twistd``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from schemathesis.core import NOT_SET
from schemathesis.openapi import from_url
from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.viewer import Viewer
from vncproxy.api.reply import JSON
from vncproxy.api.v1.machine_operations import POWER
from vncproxy.api.v1.operation import Operation
from vncproxy.api.v1.operations import (
    DRAIN_PROXY,
    FOLLOW_EVENTS,
    ISSUE_TOKEN,
    OPERATIONS,
    REVOKE_TOKEN,
    SHOW_TOKEN,
)
from vncproxy.api.v1.recording_operations import (
    DELETE_RECORDING,
    GET_FILE,
    LINK_RECORDING,
    LIST_RECORDINGS,
    REVOKE_LINKS,
    SHOW_RECORDING,
)
from vncproxy.api.v1.screen_operations import TYPE_KEYS, WAIT_SCREEN
from vncproxy.api.v1.session_operations import (
    APPROVE_SESSION,
    CHANGE_SESSION,
    DENY_SESSION,
    DRIVE_SESSION,
    END_SESSION,
    INVITE_TO_SESSION,
    MESSAGE_SESSION,
    SHADOW_SESSION,
    WITHDRAW_APPROVAL,
)

from .test_cli import SERVE

NOT_CHECKED = "positive_data_acceptance"
"""A request may be as described and yet be refused: for a backend that is not configured."""

ONLY_REFUSED = {"issueZoneToken", "checkForZone", "powerForZone", "tellZone"}
"""No zone is configured."""

NOT_ASKED = (DRAIN_PROXY.name, FOLLOW_EVENTS.name)
"""The gateway is to be there for the others, and the answer is to end."""

SHARED = {"sharing": "one-driver", "may_invite": "control"}
"""The policy of a session that guests can be invited to, and that can be given the control."""


class ConformanceTests(SynchronousTestCase):
    timeout = 280

    def setUp(self) -> None:
        console = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
        self.addCleanup(console.wait)
        self.addCleanup(console.terminate)
        assert console.stdout is not None
        self.addCleanup(console.stdout.close)
        port = int(console.stdout.readline())
        recordings = tempfile.mkdtemp(prefix="recordings-")
        self.addCleanup(shutil.rmtree, recordings)
        self.gateway = Gateway(f"""
[recording]
directory = "{recordings}"
[backends.kvm]
type = "static"
[backends.kvm.consoles]
web-01 = {{ address = "127.0.0.1:{port}" }}
card = {{ address = "127.0.0.1:{port}" }}
[backends.virt]
type = "libvirt"
uri = "test:///default"
power = true
""")
        text = self.gateway.config.read_text()
        scopes = '"admin", "keys", "shadow", "review", "download"'
        self.gateway.config.write_text(text.replace('"admin"', scopes))
        self.gateway.start()
        self.addCleanup(self.gateway.stop)

    def test_every_answer_is_as_it_is_described(self) -> None:
        issued = self.gateway.issue("kvm/card", user="dora")
        viewer = Viewer.connect(self.gateway.xvp_port, issued["token"])
        self.addCleanup(viewer.close)
        before = self.served()

        self.walk()
        done = self.schemathesis(
            *(word for name in NOT_ASKED for word in ("--exclude-operation-id", name)),
            *("--exclude-operation-id", WAIT_SCREEN.name),  # it waits as long as it is told to
        )

        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("Unhandled", self.gateway.log())
        served = self.served() - before
        for each in OPERATIONS:
            # a client that has all of a file may leave before its answer is counted
            if each.name not in {*ONLY_REFUSED, *NOT_ASKED, GET_FILE.name}:
                self.assertGreater(served[each.rule, each.method], 0, each.name)

    def walk(self) -> None:
        """Ask for what random requests reach by luck alone: of a token, a session or a machine."""
        self.schema = from_url(self.url("/v1/openapi.json"))
        token = self.ask(ISSUE_TOKEN, body={"vm": "kvm/web-01", "user": "alice"})["id"]
        self.ask(SHOW_TOKEN, token_id=token)
        self.ask(REVOKE_TOKEN, token_id=token)

        live = self.session(SHARED)
        self.ask(DRIVE_SESSION, session_id=live)
        self.ask(CHANGE_SESSION, body={"mode": "view-only"}, session_id=live)
        self.ask(MESSAGE_SESSION, body={"text": "Maintenance at 18:00."}, session_id=live)
        for each in (INVITE_TO_SESSION, SHADOW_SESSION):
            self.ask(each, body={"user": "eve"}, session_id=live)
        self.ask(END_SESSION, session_id=live)

        waiting = self.session({"approval": 2})
        self.ask(APPROVE_SESSION, body={}, session_id=waiting)
        self.ask(WITHDRAW_APPROVAL, session_id=waiting)
        self.ask(DENY_SESSION, body={"reason": "Not today."}, session_id=waiting)

        self.walk_recordings()
        still = {"vm": "kvm/web-01", "stable_for": "0"}
        self.ask(WAIT_SCREEN, query=still)
        self.ask(TYPE_KEYS, body={"vm": "kvm/web-01", "text": "ls\n"})
        for action in ("off", "start", "shutdown"):
            self.ask(POWER, body={"vm": "virt/test", "action": action})

    def walk_recordings(self) -> None:
        """Record a session, and ask for all that there is of it."""
        recorded = self.session({"record": True})
        self.ask(END_SESSION, session_id=recorded)
        self.gateway.audit_of("recording", session=recorded)
        self.ask(LIST_RECORDINGS)
        for each in (SHOW_RECORDING, REVOKE_LINKS):
            self.ask(each, recorded_id=recorded)
        self.ask(LINK_RECORDING, body={"user": "rita"}, recorded_id=recorded)
        self.ask(GET_FILE, recorded_id=recorded)
        self.ask(DELETE_RECORDING, recorded_id=recorded)

    def session(self, policy: dict[str, Any]) -> str:
        """Open a session with a policy; returns its id."""
        issued = self.gateway.issue("kvm/web-01", user="alice", policy=policy)
        viewer = Viewer.connect(self.gateway.xvp_port, issued["token"])
        self.addCleanup(viewer.close)
        _, answer = self.gateway.call("GET", f"/v1/sessions?token={issued['id']}")
        return str(answer["sessions"][0]["id"])

    def ask(
        self,
        what: Operation[Any],
        body: Any = NOT_SET,
        query: dict[str, str] | None = None,
        **places: str,
    ) -> Any:
        """Make a request that succeeds, and compare the answer with its description."""
        operation = self.schema[what.path][what.method]
        case = operation.Case(
            path_parameters=places, query=query or {}, body=body, media_type="application/json"
        )
        headers = {"Authorization": f"Bearer {self.gateway.key}"}
        answer = case.call(base_url=self.url(""), headers=headers)
        self.assertIn(answer.status_code, (200, 201, 202, 204), f"{what.name}: {answer.content!r}")
        operation.validate_response(answer)
        return answer.json() if answer.content and what.media_type == JSON else None

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.gateway.api_port}{path}"

    def schemathesis(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the command with requests that are the same every time."""
        folder = tempfile.mkdtemp(dir=self.gateway.folder)
        options = (
            *options,
            *("--header", f"Authorization: Bearer {self.gateway.key}"),
            "--generation-deterministic",
            *("--max-examples", "6", "--exclude-checks", NOT_CHECKED, "--no-color"),
        )
        command = str(Path(sys.executable).with_name("schemathesis"))
        url = self.url("/v1/openapi.json")
        return subprocess.run(
            [command, "run", url, *options],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def served(self) -> Counter[tuple[str, str]]:
        """Return how often each route and method was answered with success."""
        url = self.url("/metrics")
        headers = {"Authorization": f"Bearer {self.gateway.key}"}
        with urlopen(Request(url, headers=headers), timeout=60) as answer:
            text = answer.read().decode()
        line = r'^vncproxy_api_requests_total{method="(\w+)",route="([^"]+)",status="2xx"} (\d+)'
        found = re.findall(line, text, re.MULTILINE)
        return Counter({(route, method): int(count) for method, route, count in found})
