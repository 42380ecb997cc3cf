"""Logging in to a simulated vSphere, and its certificates."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.components.vsphere import (
    ADDRESS,
    PASSWORD,
    USER,
    VSphere,
    fingerprint,
)
from tests.components.vsphere_case import NAME, BackendCase
from vncproxy.errors import (
    BackendError,
    VMNotFound,
)

_VERSIONS = (
    "<namespaces><namespace><name>urn:vim25</name><version>7.0</version><priorVersions>"
    "<version>6.7</version></priorVersions></namespace></namespaces>"
)


class LoginTests(BackendCase):
    def setUp(self) -> None:
        self.vsphere = VSphere().start()
        self.addCleanup(self.vsphere.remove)
        self.backend = self.backend_of()

    async def test_one_login_is_shared_and_ended(self) -> None:
        questions = [Deferred.fromCoroutine(self.backend.probe()) for _ in range(4)]
        await gatherResults(questions)
        during = self.vsphere.logins()
        await self.backend.close()
        self.assertEqual((during, self.vsphere.logins()), (1, 0))

    async def test_a_login_that_was_ended_is_made_anew(self) -> None:
        await self.backend.probe()
        self.assertEqual(self.vsphere.end_logins(), 1)
        self.assertEqual(len(await self.backend.list()), 3)
        self.assertEqual(self.vsphere.end_logins(), 1)
        await self.failure(self.backend.locate("vm-99999"), VMNotFound)

    async def test_after_a_restart_the_next_question_is_answered(self) -> None:
        before = await self.backend.list()
        self.vsphere.stop()
        error = await self.failure(self.backend.list(), BackendError)
        self.vsphere.start()
        self.assertIn("Connection refused", str(error))
        self.assertEqual(await self.backend.list(), before)

    async def test_a_wrong_password_is_told_and_not_tried_again(self) -> None:
        backend = self.backend_of(password="wrong-" + PASSWORD)
        before = await self.failure(backend.probe(), BackendError)
        self.vsphere.stop()
        after = await self.failure(backend.probe(), BackendError)
        self.assertIn(f"the login of {USER} is refused", str(before))
        self.assertEqual(str(after), str(before))

    async def test_the_session_is_not_shown(self) -> None:
        await self.backend.probe()
        with self.vsphere.administrator() as service:
            keys = [each.key for each in service.content.sessionManager.sessionList]
        session = self.backend._session
        for key in keys:
            self.assertNotIn(key, f"{session} {session!r} {session._login!r}")

    async def test_one_that_hangs_ends_the_wait_and_later_the_thread(self) -> None:
        backend = self.backend_of(timeout=5)
        await backend.probe()
        with self.vsphere.frozen():
            error = await self.failure(backend.locate(NAME), BackendError)
            again = await self.failure(self.backend_of(timeout=5).locate(NAME), BackendError)
        for each in (error, again):
            self.assertIn("no answer in time", str(each))
        self.assertEqual(len(await backend.list()), 3)


class CertificateTests(BackendCase):
    async def refused(self, vsphere: VSphere | None = None, **more: Any) -> str:
        error = await self.failure(self.backend_of(vsphere, **more).probe(), BackendError)
        return str(error)

    async def test_an_unknown_authority(self) -> None:
        text = await self.refused(ca_file="")
        self.assertIn("unable to get local issuer certificate", text)
        self.assertIn(f"(it has {self.vsphere.fingerprint})", text)
        self.assertIn("write its authority into ca_file, or its fingerprint into finger", text)

    async def test_not_even_this_machine_is_trusted_without_one(self) -> None:
        local = VSphere(address="127.0.0.1").start()
        self.addCleanup(local.remove)
        self.assertIn("certificate is refused", await self.refused(local, ca_file=""))
        await self.backend_of(local).probe()

    async def test_another_name(self) -> None:
        text = await self.refused(server_name="other.example")
        self.assertIn("Hostname mismatch", text)
        self.assertIn("write a name that stands in it into server_name", text)

    async def test_the_name_may_differ_from_the_address(self) -> None:
        await self.backend_of(server_name="vcenter.example").probe()

    async def test_a_pinned_fingerprint_needs_no_authority(self) -> None:
        sha1 = fingerprint(str(self.vsphere.folder / f"{ADDRESS}.pem"), "sha1")
        for pinned in (self.vsphere.fingerprint, sha1):
            await self.backend_of(ca_file="", fingerprints=[pinned]).probe()

    async def test_another_pinned_fingerprint_is_refused_with_any_signature(self) -> None:
        for pinned in ("sha256:" + "00" * 32, "sha1:" + "00" * 20):
            text = await self.refused(fingerprints=[pinned])
            self.assertIn("none of those in fingerprints", text)
            self.assertIn(self.vsphere.fingerprint, text)

    async def test_no_verification_is_spelled_out_and_told(self) -> None:
        backend = self.backend_of(ca_file="", verify=False)
        await backend.probe()
        self.assertIn("verify = false, so anybody on the way to", backend.warnings()[0])

    async def test_a_file_of_authorities_that_is_not_there(self) -> None:
        self.assertIn("ca_file /nowhere.pem", await self.refused(ca_file="/nowhere.pem"))

    async def test_a_server_that_is_starting_or_no_vsphere(self) -> None:
        for status, words in (
            (503, "503 Service Unavailable; is its service still starting?"),
            (404, "no vSphere API answers there"),
        ):
            with _web_server(self.vsphere, status) as port:
                self.assertIn(words, await self.refused(port=port))

    async def test_answers_that_are_not_those_of_the_api(self) -> None:
        content = '<RetrieveServiceContentResponse xmlns="urn:vim25">{}</Retrieve…>'.replace(
            "Retrieve…", "RetrieveServiceContentResponse"
        )
        for status, answer in (
            (200, "<html><body>Log in</body></html>"),
            (200, _envelope(content.format('<returnval xsi:type="Unknown"/>'))),
            (200, _envelope(content.format("<returnval><unknown>1</unknown></returnval>"))),
            (500, "<html><body>Bad gateway</body></html>"),
        ):
            with self.subTest(answer=answer), _web_server(self.vsphere, status, answer) as port:
                self.assertIn("its answer cannot be understood", await self.refused(port=port))


def _envelope(body: str) -> str:
    return (
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Body>{body}</Body></Envelope>'
    )


@contextmanager
def _web_server(vsphere: VSphere, status: int, answer: str = "") -> Iterator[int]:
    """Answer everything with a status, on the vSphere's address and with its certificate.

    With an answer to calls, its version document names the API.
    """

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if answer:
                self.send(200, _VERSIONS)
            else:
                self.send_error(status)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send(status, answer)

        def send(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer((ADDRESS, 0), Answer)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(vsphere.folder / f"{ADDRESS}.pem", vsphere.folder / f"{ADDRESS}.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
