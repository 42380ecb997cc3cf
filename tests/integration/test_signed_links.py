"""Signed links in a real Redis, and end to end: two proxies, a click, a reload, a revocation."""

from __future__ import annotations

import re
import socket
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.components.cluster_case import ClusterCase
from tests.components.gateway import Gateway
from tests.components.redis_case import RedisCase, at_once
from tests.doubles.frames import masked
from tests.tokens.link_contract import LinkStoreContract
from vncproxy.errors import TokenUsed
from vncproxy.model import Grant
from vncproxy.tokens.redis import RedisTokenStore

SHOWN = b"\x01\x01\x00\x00\x00\x00"  # type 1, None, and its result: RFC 6143 section 7.1.3
REFUSED = b"This console link is not valid any more"


class RedisLinkTests(LinkStoreContract, RedisCase):
    def make_store(self, *_: Any, **__: Any) -> RedisTokenStore:
        return RedisCase.make_store(self)

    def now(self) -> float:
        return time.time()

    async def test_of_two_clicks_at_two_proxies_one_opens(self) -> None:
        stores = [self.make_store() for _ in range(4)]
        link = self.link()
        clicks = await at_once(*(store.redeem_link(link) for store in stores))
        self.assertEqual(sum(isinstance(each, Grant) for each in clicks), 1)
        self.assertEqual(sum(isinstance(each, TokenUsed) for each in clicks), 3)

    async def test_every_key_ends(self) -> None:
        store = self.make_store()
        await store.confirm(await store.redeem_link(self.link()))
        await store.revoke_link(self.link("2").token_id)
        await store.revoke_links_of_user("bob")
        await store.revoke_signer("other")
        for key in self.server.cli("--scan").splitlines():
            self.assertGreater(int(self.server.cli("pttl", key)), 0, key)


class ProxiesTests(ClusterCase):
    """Two proxies, and a portal that has nothing of them but a signing key."""

    def setUp(self) -> None:
        super().setUp()
        self.key = ed25519.Ed25519PrivateKey.generate()
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        path = self.folder / "portal.pub"
        path.write_bytes(public)
        table = f"""
            [token_sources.portal]
            type = "jwt"
            key_file = "{path}"
            vms = ["lab/web-*"]
            policy = {{ max_duration = 600 }}
            leeway = 0
            """
        proxies = self.proxies_at_once(north=table, east=table)
        self.north, self.east = proxies

    def sign(self, vm: str = "lab/web-01", user: str = "alice", **more: Any) -> str:
        now = int(time.time())
        claims = {"vm": vm, "sub": user, "iat": now, "exp": now + 60, "type": "xvpvnc"}
        return jwt.encode({**claims, "jti": uuid.uuid4().hex, **more}, self.key, "EdDSA")

    def status(self, proxy: Gateway, link: str) -> int:
        """Return the status that a TCP viewer gets."""
        with socket.create_connection(("127.0.0.1", proxy.xvp_port), 30) as viewer:
            viewer.sendall(f"CONNECT /console?token={link} HTTP/1.1\r\n\r\n".encode())
            return int(viewer.recv(1000).split(b" ")[1])

    def browse(self, proxy: Gateway, link: str, cookie: str = "") -> tuple[bytes, str]:
        """Open a console as a browser does; returns what it is shown, and its resume cookie."""
        browser = socket.create_connection(("127.0.0.1", proxy.web_port), 60)
        self.addCleanup(browser.close)
        header = f"Cookie: {cookie}\r\n" if cookie else ""
        browser.sendall(
            f"GET /websockify?token={link} HTTP/1.1\r\nHost: localhost\r\n{header}"
            f"Origin: http://127.0.0.1:{proxy.web_port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            + masked(0x82, b"RFB 003.008\n\x01\x01")
        )
        shown = b""
        while REFUSED not in shown and SHOWN not in shown:
            shown += (more := browser.recv(65536))
            self.assertTrue(more, shown)
        found = re.search(rb"(?i)set-cookie: ([^;]+)", shown)
        return shown, found[1].decode() if found else cookie

    def revoke(self, proxy: Gateway, query: str) -> int:
        status, answer = proxy.call("DELETE", f"/v1/tokens?{query}")
        self.assertEqual(status, 200, answer)
        return int(answer["ended"])

    def test_links_open_once_anywhere_and_are_revoked_everywhere(self) -> None:
        link = self.sign(jti="one")
        viewer = self.view(self.north, link)
        (session,) = self.until_listed(self.east, 1)
        self.assertEqual((session["vm"], session["user"]), ("lab/web-01", "alice"))
        for proxy in (self.north, self.east):
            self.assertEqual(self.status(proxy, link), 401)
        self.assertEqual(self.revoke(self.east, "jti=portal/one"), 1)
        viewer.wait_for_end()

        unused = self.sign(jti="two")
        self.assertEqual(self.revoke(self.north, "jti=portal/two"), 0)
        self.assertEqual(self.status(self.east, unused), 401)

        early = self.sign(user="bob")
        self.assertEqual(self.revoke(self.east, "user=bob"), 0)
        self.assertEqual(self.status(self.north, early), 401)

        viewer = self.view(self.north, self.sign(user="carol"))
        self.until_listed(self.east, 1)
        self.assertEqual(self.revoke(self.east, "signer=portal"), 1)
        viewer.wait_for_end()
        self.assertEqual(self.status(self.north, self.sign(user="dora")), 401)

        revocations = self.east.audit("api-revoke")
        self.assertEqual([each.get("signer") for each in revocations], ["portal", None, "portal"])

    def test_a_reload_survives_the_end_of_the_link(self) -> None:
        ends = int(time.time()) + 6
        link = self.sign(type="novnc", exp=ends)
        shown, cookie = self.browse(self.north, link)
        self.assertIn(SHOWN, shown)
        self.assertIn(REFUSED, self.browse(self.east, link)[0])
        time.sleep(max(0.0, ends + 0.5 - time.time()))

        self.assertIn(REFUSED, self.browse(self.north, link)[0])
        self.assertIn(SHOWN, self.browse(self.east, link, cookie)[0])
        self.revoke(self.north, "signer=portal")
        self.assertIn(REFUSED, self.browse(self.east, link, cookie)[0])

    def test_what_a_signer_may_not_ask_for_is_refused(self) -> None:
        for more in (
            {"vm": "lab/db-01"},
            {"vm": "other/web-01"},
            {"vm": "nowhere/web-01"},
            {"policy": {"max_duration": 601}},
            {"policy": {"colour": "red"}},
            {"restriction": True},
            {"exp": int(time.time()) + 2 * 86400},
            {"iat": int(time.time()) + 60},
            {"sub": None},
        ):
            self.assertEqual(self.status(self.north, self.sign(**more)), 401, more)
        self.assertEqual(
            self.status(self.north, self.sign(policy={"exclusive_at_server": True})), 422
        )
