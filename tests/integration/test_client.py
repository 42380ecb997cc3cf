"""The client of the API against a real ``twistd``, with and without asyncio."""

from __future__ import annotations

import asyncio
import atexit
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests import __file__ as tests_file
from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.ports import free_port
from vncproxy.client import AsyncClient, Client, Refused, Unreachable

PAGE = Path(tests_file).parent.parent / "docs" / "python-client.md"
WRONG = """
from vncproxy.client import Client


def wrong(client: Client) -> None:
    client.issue_token("kvm/web-01")
    client.issue_token("kvm/web-01", "alice", policy={"colour": "red"})
    client.list_sessions()["tokens"]
"""


class World:
    """A proxy whose API is served over plain HTTP and over TLS."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="client-"))
        self.authority = Authority(self.folder)
        certificate, key = self.authority.issue("localhost")
        self.secure_port = free_port()
        self.gateway = Gateway(
            '[backends.lab]\ntype = "static"\nconsoles = { a = { address = "127.0.0.1:1" } }\n'
        )
        text = self.gateway.config.read_text()
        plain = f'api = ["tcp:{self.gateway.api_port}:interface=127.0.0.1"'
        secured = f"ssl:{self.secure_port}:privateKey={key}:certKey={certificate}"
        assert plain in text
        self.gateway.config.write_text(text.replace(plain, f'{plain}, "{secured}"'))
        self.gateway.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        self.gateway.stop()
        shutil.rmtree(self.folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.api_port}"

    @property
    def secure_url(self) -> str:
        return f"https://localhost:{self.secure_port}"


world = cache(World)


class ClientTests(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.world = world()
        self.key = self.world.gateway.key

    def test_a_link_is_issued_and_revoked(self) -> None:
        with Client(self.world.url, self.key) as client:
            issued = client.issue_token("lab/web-01", "alice", type="xvpvnc")
            revoked = client.revoke_tokens(vm="lab/web-01")

        self.assertEqual((issued["type"], revoked), ("xvpvnc", {"revoked": 1, "ended": 0}))
        self.assertIn(f"?token={issued['token']}", issued["url"])

    def test_many_are_asked_at_once_with_asyncio_over_tls(self) -> None:
        trusted = ssl.create_default_context(cafile=self.world.authority.ca_file)

        async def ask() -> list[str]:
            async with AsyncClient(self.world.secure_url, self.key, verify=trusted) as client:
                jobs = [client.issue_token(f"lab/{n}", "alice") for n in range(20)]
                return [each["vm"] for each in await asyncio.gather(*jobs)]

        self.assertEqual(asyncio.run(ask()), [f"lab/{n}" for n in range(20)])

    def test_a_wrong_key_is_refused_with_the_apis_sentence(self) -> None:
        with Client(self.world.url, "wrong") as client:
            error = self.assertRaises(Refused, client.list_proxies)

        assert error is not None
        self.assertEqual((error.status, error.code), (401, "unauthorized"))
        self.assertEqual(str(error), "the API key is not known")


class UnreachableTests(SynchronousTestCase):
    timeout = 120

    def failures(self, url: str, timeout: float = 30) -> str:
        """Return why nothing is answered, which both clients say in the same words."""

        async def ask() -> str:
            async with AsyncClient(url, "key", timeout=timeout) as client:
                try:
                    await client.list_machines()
                except Unreachable as e:
                    return str(e)
            raise AssertionError("answered")

        with Client(url, "key", timeout=timeout) as client:
            error = self.assertRaises(Unreachable, client.list_machines)
        self.assertEqual(asyncio.run(ask()), str(error))
        return str(error)

    def test_a_closed_port(self) -> None:
        url = f"http://127.0.0.1:{free_port()}"

        self.assertEqual(
            self.failures(url), f"the API at {url} cannot be reached: connection refused"
        )

    def test_a_host_that_does_not_exist(self) -> None:
        self.assertIn("name", self.failures("http://nowhere.invalid:6082"))

    def test_a_server_that_is_silent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            self.assertEqual(self.failures(url, 0.3), f"the API at {url} did not answer in time")

    def test_a_certificate_of_an_authority_that_is_not_trusted(self) -> None:
        self.assertIn("certificate verify failed", self.failures(world().secure_url))


class TypeTests(SynchronousTestCase):
    """What strict mypy says of a portal that uses the client."""

    timeout = 180

    def complaints(self, source: str) -> list[str]:
        """Return the lines that it complains of."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "portal.py").write_text(source)
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--config-file=", "portal.py"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return re.findall(r"^portal\.py:(\d+): error: ", done.stdout, re.MULTILINE)

    def test_a_right_one_is_accepted_and_a_wrong_one_is_not(self) -> None:
        examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        self.assertEqual(len(examples), 3)
        self.assertEqual(self.complaints("\n".join(examples)), [])
        self.assertEqual(self.complaints(WRONG), ["6", "7", "8"])
