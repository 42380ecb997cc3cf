"""The ``vncproxy`` command as people run it: its own process, a real proxy, real exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.ports import free_port
from tests.components.viewer import Refused, Viewer

SERVE = """
from twisted.internet import reactor
from vncproxy.demo.server import DemoServer
port = reactor.listenTCP(0, DemoServer(reactor), interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
"""
COMMAND = str(Path(sys.executable).with_name("vncproxy"))


def vncproxy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {n: v for n, v in os.environ.items() if not n.startswith("VNCPROXY_")}
    return subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**clean, **environment},
    )


class CommandCase(SynchronousTestCase):
    def assertFails(
        self, result: subprocess.CompletedProcess[str], status: int, *words: str
    ) -> None:
        self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
        self.assertTrue(result.stderr.startswith("Error: "), result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)


class TokenAndSessionTests(CommandCase):
    timeout = 120

    def setUp(self) -> None:
        server = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        assert server.stdout is not None
        self.addCleanup(server.stdout.close)
        port = int(server.stdout.readline())
        self.gateway = Gateway(f"""
[backends.lab]
type = "static"
[backends.lab.consoles]
card = {{ address = "127.0.0.1:{port}" }}
""").start()
        self.addCleanup(self.gateway.stop)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        api = f"http://127.0.0.1:{self.gateway.api_port}"
        return vncproxy(*arguments, VNCPROXY_API=api, VNCPROXY_API_KEY=self.gateway.key)

    def output(self, *arguments: str) -> str:
        result = self.command(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.output(*arguments, "--json"))

    def view(self, url: str) -> Viewer:
        (token,) = parse_qs(urlsplit(url).query)["token"]
        viewer = Viewer.connect(self.gateway.xvp_port, token)
        self.addCleanup(viewer.close)
        return viewer

    def test_issued_url_opens_a_session_that_is_listed_and_can_be_ended(self) -> None:
        url = self.output("token", "issue", "lab/card", "--user", "alice", "--type", "xvpvnc")
        viewer = self.view(url.strip())

        (session,) = self.json("sessions", "list")
        self.assertEqual((session["vm"], session["user"]), ("lab/card", "alice"))
        self.assertIn("lab/card", self.output("sessions", "list"))

        self.output("sessions", "end", session["id"])
        viewer.wait_for_end()
        self.assertEqual(self.json("sessions", "list"), [])

    def test_revoked_token_opens_nothing_and_its_session_ends(self) -> None:
        issue = ("token", "issue", "lab/card", "--user", "alice", "--policy", "uses=0")
        issued = self.json(*issue)
        viewer = self.view(issued["url"])
        self.assertIn("no limit", self.output("token", "show", issued["id"]))

        answer = self.json("token", "revoke", issued["id"])

        self.assertEqual(answer, {"revoked": 1, "ended": 1})
        viewer.wait_for_end()
        self.assertRaises(Refused, self.view, issued["url"])
        self.assertFails(self.command("token", "show", issued["id"]), 1, "no such token")

    def test_refusal_of_the_api_is_one_sentence(self) -> None:
        result = self.command("token", "issue", "nowhere/1", "--user", "alice")

        self.assertFails(result, 1, "vm: there is no backend 'nowhere', and no zone of this name")

    def test_key_is_read_from_a_file(self) -> None:
        key_file = Path(self.mktemp())
        key_file.write_text(f"{self.gateway.key}\n")
        api = f"http://127.0.0.1:{self.gateway.api_port}"

        result = vncproxy("sessions", "list", "--api", api, "--key-file", str(key_file))

        self.assertEqual((result.returncode, result.stdout), (0, "no sessions are open\n"))

    def test_listener_for_browsers_is_not_taken_for_the_api(self) -> None:
        api = f"http://127.0.0.1:{self.gateway.web_port}"

        result = vncproxy("sessions", "list", "--api", api, VNCPROXY_API_KEY="x")

        self.assertFails(result, 3, "is not vncproxy's API")


class WithoutAProxyTests(CommandCase):
    def test_api_that_is_not_there_is_told(self) -> None:
        api = f"http://127.0.0.1:{free_port()}"

        result = vncproxy("sessions", "list", "--api", api, VNCPROXY_API_KEY="x")

        self.assertFails(result, 3, api, "connection refused")

    def test_missing_key_is_told(self) -> None:
        self.assertFails(vncproxy("sessions", "list"), 2, "VNCPROXY_API_KEY")


class CheckConfigTests(CommandCase):
    def check(self, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        listen = f'web = ["tcp:{free_port()}"]\nxvp = ["tcp:{free_port()}"]\n'
        api = f'api = ["tcp:{free_port()}:interface=127.0.0.1"]\n'
        path = Path(self.mktemp())
        path.write_text(f"[listen]\n{listen}{api}{text}")
        return vncproxy("check-config", "--config", str(path), *options)

    def test_good_configuration_has_a_line_for_each_part(self) -> None:
        result = self.check("")

        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("ok    store memory:", result.stdout)

    def test_redis_that_is_away_is_a_failure(self) -> None:
        port = free_port()

        result = self.check(f'[tokens]\nstore = "redis"\n[redis]\nport = {port}\n', "--json")

        self.assertEqual((result.returncode, result.stderr), (1, ""))
        (failed,) = [finding for finding in json.loads(result.stdout) if not finding["ok"]]
        self.assertEqual(failed["what"], "store redis")
        self.assertIn(str(port), failed["text"])

    def test_mistakes_are_told_all_at_once(self) -> None:
        result = self.check('[tokens]\nttl = "soon"\n[limits]\nsessions = 0\n')

        self.assertFails(result, 2, "ttl", "sessions")
