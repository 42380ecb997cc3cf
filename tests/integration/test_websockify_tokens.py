"""Tokens of websockify's kinds through ``twistd``: real files, a real Redis, real keys and QEMUs.

What is issued is first shown to websockify's own plugins, so that both read the same.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
from twisted.trial.unittest import SynchronousTestCase
from websockify.token_plugins import JWTTokenApi, TokenFile, TokenRedis

from tests.components.chromium import Page
from tests.components.libvirt_host import KEY_COLOURS, until
from tests.components.ports import free_port
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused, Viewer, tunnel
from tests.components.websockify_gateway import PASSWORD, REDIS_PASSWORD, world

UNKNOWN = "401 This console link is not valid any more. Ask for a new one."
AWAY = "503 The console service is not available at the moment. Try again in a minute."


class TokensCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        shared = world()
        self.gateway, self.redis, self.plain = shared.gateway, shared.redis, shared.plain
        self.secrets: list[str] = []

    def tearDown(self) -> None:
        """Whatever happened, no secret may stand in a log."""
        log = self.gateway.log()
        for secret in (*self.secrets, PASSWORD, REDIS_PASSWORD, world().key_file.read_text()):
            self.assertNotIn(secret, log)
        self.assertNotIn("Traceback", log)

    def new(self) -> str:
        token = secrets.token_hex(16)
        self.secrets.append(token)
        return token

    def write(self, line: str, name: str = "one-7") -> None:
        target = world().tokens / name
        fresh = target.with_name(f"{name}.new")
        fresh.write_text(line + "\n")
        fresh.rename(target)
        self.addCleanup(target.unlink, missing_ok=True)

    def sign(self, **more: Any) -> str:
        claims = {"host": "127.0.0.1", "port": self.plain.port, "exp": int(time.time()) + 60}
        token = jwt.encode({**claims, **more}, world().key, "HS256")
        self.secrets.append(token)
        return token

    def look(self, token: str) -> Viewer:
        viewer = Viewer.connect(self.gateway.web_port, token)
        self.addCleanup(viewer.close)
        return viewer

    def refusal(self, token: str) -> str:
        self.asked = token
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={token}")
        return str(caught.exception)

    def detail(self) -> str:
        """Return what the audit line of the last refusal says."""
        return str(self.gateway.audit_of("refuse", token=self.asked)["detail"])

    def browse(self, token: str) -> None:
        """Open noVNC's link for websockify, and see that a typed key changes the picture."""
        page = Page()
        self.addCleanup(page.leave)
        page.open(
            f"http://127.0.0.1:{self.gateway.web_port}/vnc.html?path=websockify%3Ftoken%3D{token}"
        )
        page.wait_for_state("connected")
        page.type("1")
        page.wait_for_pixel(*KEY_COLOURS["1"])


class FileTests(TokensCase):
    def test_in_a_browser(self) -> None:
        token = self.new()
        self.write(f"{token}: 127.0.0.1:{self.plain.port}")
        theirs = TokenFile(str(world().tokens)).lookup(token)
        self.assertEqual(theirs, ["127.0.0.1", str(self.plain.port)])

        self.browse(token)

        opened = self.gateway.audit_of("open", token=token)
        self.assertEqual(opened["vm"], f"portal/127.0.0.1:{self.plain.port}")

    def test_a_server_with_a_password(self) -> None:
        token = self.new()
        self.write(f"{token}: 127.0.0.1:{world().guarded.port}")

        self.look(token).pixel()

    def test_the_session_is_listed_and_ended_like_any_other(self) -> None:
        token = self.new()
        self.write(f"{token}: localhost:{self.plain.port}")
        viewer = self.look(token)
        vm = f"portal/localhost:{self.plain.port}"
        sessions = self.gateway.call("GET", "/v1/sessions")[1]["sessions"]
        (session,) = [each for each in sessions if each["vm"] == vm]

        self.assertEqual(self.gateway.call("DELETE", f"/v1/sessions/{session['id']}")[0], 200)

        viewer.wait_for_end()

    def test_a_token_that_was_taken_out_again(self) -> None:
        token = self.new()
        self.write(f"{token}: 127.0.0.1:{self.plain.port}")
        self.look(token).close()

        self.write(f"# {token}: 127.0.0.1:{self.plain.port}")

        self.assertEqual(self.refusal(token), UNKNOWN)

    def test_nothing_listens_at_the_port(self) -> None:
        token = self.new()
        self.write(f"{token}: 127.0.0.1:{free_port()}")
        self.assertIn("502 The hypervisor could not be reached.", self.refusal(token))

    def test_a_malformed_line(self) -> None:
        token = self.new()
        self.write(f"{token} 127.0.0.1:{self.plain.port}", "one-8")
        self.assertEqual(self.refusal(token), UNKNOWN)
        self.gateway.until_logged("one-8: not 'token: host:port' in lines 1")


class RedisTests(TokensCase):
    def put(self, token: str, value: str) -> None:
        self.redis.cli("-a", REDIS_PASSWORD, "--no-auth-warning", "SET", f"consoles:{token}", value)

    def theirs(self, token: str) -> Any:
        source = f"127.0.0.1:{self.redis.port}:0:{REDIS_PASSWORD}:consoles"
        return TokenRedis(source).lookup(token)

    def test_both_forms(self) -> None:
        address = f"127.0.0.1:{self.plain.port}"
        for value in (address, f'{{"host": "{address}"}}\n'):
            with self.subTest(value=value):
                token = self.new()
                self.put(token, value)
                self.assertEqual(self.theirs(token), address.split(":"))
                self.look(token).pixel()

    def test_in_a_browser(self) -> None:
        token = self.new()
        self.put(token, f"127.0.0.1:{self.plain.port}")
        self.browse(token)

    def test_ipv6_where_websockify_breaks(self) -> None:
        token = self.new()
        port = free_port()
        self.put(token, f"[::1]:{port}")
        self.assertRaises(ValueError, self.theirs, token)
        self.assertIn("502 The hypervisor could not be reached.", self.refusal(token))
        self.assertIn(f"[::1]:{port}", self.detail())

    def test_a_token_that_redis_forgot(self) -> None:
        token = self.new()
        self.put(token, f"127.0.0.1:{self.plain.port}")
        self.look(token).close()
        self.redis.cli("-a", REDIS_PASSWORD, "--no-auth-warning", "DEL", f"consoles:{token}")
        self.assertEqual(self.refusal(token), UNKNOWN)

    def test_values_that_cannot_be_used(self) -> None:
        for value in ("horse", '{"host": 5}', '{"port": "a:1"}', "{horse", "[" * 5000):
            with self.subTest(value=value[:20]):
                token = self.new()
                self.put(token, value)
                self.assertEqual(self.refusal(token), UNKNOWN)
        self.assertNotIn("horse", self.gateway.log())

    def test_redis_is_away_and_comes_back(self) -> None:
        token = self.new()
        self.redis.stop()
        self.addCleanup(lambda: self.redis.start() if self.redis._process is None else None)
        self.assertEqual(self.refusal(token), AWAY)
        self.assertIn("shared: redis at 127.0.0.1", self.detail())
        signed = self.look(self.sign())
        self.redis.start()
        self.put(token, f"127.0.0.1:{self.plain.port}")
        self.look(token).pixel()
        signed.pixel()


class SignedTests(TokensCase):
    def test_in_a_browser(self) -> None:
        token = self.sign(sub="alice")
        theirs = JWTTokenApi(str(world().key_file)).lookup(token)
        self.assertEqual(theirs, ("127.0.0.1", self.plain.port))

        self.browse(token)

        self.assertEqual(self.gateway.audit_of("open", token=token)["user"], "alice")

    def test_a_token_that_is_good_once(self) -> None:
        token = self.sign(jti=secrets.token_hex(8))
        self.look(token).pixel()
        self.assertEqual(self.refusal(token), UNKNOWN)
        self.assertIn("its jti was used before", self.detail())

    def test_a_token_that_is_over(self) -> None:
        token = self.sign(exp=int(time.time()) - 60)
        self.assertEqual(self.refusal(token), UNKNOWN)
        self.assertEqual(self.gateway.audit_of("refuse", token=token)["reason"], "token-expired")

    def test_a_token_signed_with_another_key(self) -> None:
        forged = jwt.encode({"host": "127.0.0.1", "port": self.plain.port}, b"x" * 32, "HS256")
        self.secrets.append(forged)
        self.assertEqual(self.refusal(forged), UNKNOWN)


class MigrationTests(TokensCase):
    def serve(self, *line: str) -> None:
        """Run the proxy with what a command line of websockify becomes, until it listens."""
        command = Path(sys.executable)
        printed = subprocess.run(
            [str(command.with_name("vncproxy")), "migrate", "websockify", "--", *line],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        config = world().folder / "migrated.toml"
        config.write_text(printed)
        twistd = [str(command.with_name("twistd")), "-n", "--pidfile=", "vncproxy"]
        api = "tcp:0:interface=127.0.0.1"
        with (world().folder / "migrated.log").open("wb") as log:
            proxy = subprocess.Popen(
                [*twistd, "--config", str(config), "--api", api],
                cwd=world().folder,
                stdout=log,
                stderr=log,
            )
        self.addCleanup(proxy.wait, 60)
        self.addCleanup(proxy.terminate)
        until(lambda: b"starting on" in (world().folder / "migrated.log").read_bytes(), "listening")

    def test_the_same_command_line_shows_the_same_console(self) -> None:
        token, port = self.new(), free_port()
        self.write(f"{token}: 127.0.0.1:{self.plain.port}")

        self.serve(
            *("--web", "/usr/share/novnc", "--heartbeat", "30"),
            *("--token-plugin", "TokenFile", "--token-source", str(world().tokens)),
            f"127.0.0.1:{port}",
        )

        viewer = Viewer.connect(port, token)
        self.addCleanup(viewer.close)
        viewer.key(ord("2"))
        viewer.wait_for_pixel(KEY_COLOURS["2"])


class CheckConfigTests(TokensCase):
    """``vncproxy check-config`` finds what is wrong before a user does."""

    def check(self, config: str) -> str:
        path = world().folder / "check.toml"
        listen = '[listen]\nweb = ["tcp:0:interface=127.0.0.1"]\nxvp = []\napi = []\n'
        path.write_text(listen + config)
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("vncproxy")),
                *("check-config", "--config", str(path)),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertNotIn("Traceback", done.stderr)
        self.assertNotIn(REDIS_PASSWORD, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_all_is_well(self) -> None:
        self.write(f"{self.new()}: 127.0.0.1:1")
        told = self.check(world().config())
        self.assertIn(f"ok    token source portal: 1 tokens in {world().tokens}\n", told)
        self.assertIn(
            f"ok    token source shared: redis at 127.0.0.1:{self.redis.port} answers\n", told
        )
        self.assertIn(
            "ok    token source signed: tokens signed with a secret of 32 bytes (HS256, HS384,"
            " HS512)\n",
            told,
        )

    def test_a_wrong_password_for_redis(self) -> None:
        told = self.check(world().config(redis_password="n0t-it"))
        self.assertIn("FAIL  token source shared: shared: redis at 127.0.0.1", told)
        self.assertIn("refuses the log-in", told)
        self.assertNotIn("n0t-it", told)

    def test_the_permissions_that_the_documentation_names_suffice(self) -> None:
        server = RedisServer(acl=[f"user console on >{REDIS_PASSWORD} +get ~consoles:*"]).start()
        self.addCleanup(server.remove)
        config = world().config(redis_port=server.port)
        told = self.check(config.replace("namespace =", 'username = "console"\nnamespace ='))
        self.assertIn("ok    token source shared", told)
        told = self.check(config.replace("namespace =", 'username = "console"\n#'))
        self.assertIn("denies a permission", told)

    def test_redis_is_away(self) -> None:
        told = self.check(world().config(redis_port=free_port()))
        self.assertIn("FAIL  token source shared", told)
        self.assertIn("cannot be reached", told)

    def test_files_that_are_not_there(self) -> None:
        told = self.check(world().config().replace(str(world().tokens), "/nowhere/tokens"))
        self.assertIn(
            "FAIL  token source portal: portal: /nowhere/tokens: No such file or directory", told
        )

    def test_a_key_that_is_not_there(self) -> None:
        told = self.check(world().config().replace(str(world().key_file), "/nowhere/key"))
        self.assertIn("[token_sources.signed] key_file: /nowhere/key cannot be read", told)
