"""An OpenID provider in memory: it signs with real keys, and says what a test wants it to."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from vncproxy.errors import ProviderUnavailable

ISSUER = "https://id.example"
CLIENT = "vncproxy"
SECRET = "s3cr+t/=?"
RETURN = "https://console.example.com/login/callback"


class OpenIDProvider:
    """The provider, and the browsers of its users.

    Attributes:
        time: its clock.
        user: the claims of whoever logs in.
        in_token: the claims that stand in the id token as well.
        change: claims of the id token that are not as they have to be; None leaves one out.
        says: members of its description that are not as they have to be.
        key: signs.
        away: whether it does not answer.
        requests: URLs that were asked for.
    """

    def __init__(self, time: float) -> None:
        self.time = time
        self.user: dict[str, Any] = {"sub": "u-1", "name": "Alice", "groups": ["staff"]}
        self.in_token: tuple[str, ...] = ("sub", "name", "groups")
        self.change: dict[str, Any] = {}
        self.says: dict[str, Any] = {}
        self.key = ECKey.generate_key("P-256", {"kid": "first"})
        self.published = [self.key]
        self.away = False
        self.requests: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def log_in(self, address: str) -> str:
        """Log a user in at an address that a browser was sent to; returns the answer's query."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{ISSUER}/auth?"), address
        assert asked["redirect_uri"] == RETURN and asked["client_id"] == CLIENT
        assert asked["response_type"] == "code" and "openid" in asked["scope"].split()
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return f"code={code}&state={asked['state']}&iss={ISSUER}"

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: str = ""
    ) -> tuple[int, bytes]:
        self.requests.append(url)
        if self.away:
            raise ProviderUnavailable("no answer within 8 s")
        path = url.removeprefix(ISSUER)
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps(self._description()).encode()
        if path == "/jwks":
            keys = [key.as_dict(private=False) for key in self.published]
            return 200, json.dumps({"keys": keys}).encode()
        if path == "/me":
            assert headers["Authorization"] == "Bearer at-1"
            return 200, json.dumps(self.user).encode()
        assert (method, path) == ("POST", "/token")
        return self._tokens(headers, {n: v[0] for n, v in parse_qs(body).items()})

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "userinfo_endpoint": f"{ISSUER}/me",
            "authorization_response_iss_parameter_supported": True,
            **self.says,
        }

    def _tokens(self, headers: Mapping[str, str], form: dict[str, str]) -> tuple[int, bytes]:
        basic = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()
        posted = form.get("client_id") == CLIENT and form.get("client_secret") == SECRET
        if headers.get("Authorization") != f"Basic {basic}" and not posted:
            return 401, b'{"error": "invalid_client"}'
        asked = self._codes.pop(form["code"], None)
        if asked is None or form["redirect_uri"] != RETURN:
            return 400, b'{"error": "invalid_grant"}'
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", challenge):
            return 400, b'{"error": "invalid_grant", "error_description": "PKCE"}'
        answer = {"access_token": "at-1", "token_type": "Bearer", "id_token": self.signed(asked)}
        return 200, json.dumps(answer).encode()

    def signed(self, asked: Mapping[str, str]) -> str:
        """Return an id token for what a browser asked."""
        claims = {
            "iss": ISSUER,
            "aud": CLIENT,
            "iat": int(self.time),
            "exp": int(self.time) + 300,
            "nonce": asked["nonce"],
            **{name: self.user[name] for name in self.in_token if name in self.user},
            **self.change,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "ES256", "kid": self.key.kid}
        return str(jwt.encode(header, kept, self.key, algorithms=["ES256"]))
