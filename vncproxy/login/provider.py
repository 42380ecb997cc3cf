"""From a browser that is sent to the provider to the user that comes back.

It is the authorization code flow with PKCE (OpenID Connect Core 1.0 section 3.1, RFC 7636).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from ..errors import LoginFailed, ProviderUnavailable
from ..model import UnixTime
from ..text import printable
from .attempt import Attempt
from .claims import claim, groups_in, name_in, user_in
from .id_token import UnknownKey, verified
from .limits import LONGEST_CODE, MOST_PARAMETERS
from .login import Login
from .metadata import Metadata, ProviderMetadata, answered
from .options import Fetch, ProviderOptions

_FORM = "application/x-www-form-urlencoded"


class Provider:
    """An OpenID provider.

    Args:
        options: how it is asked.
        fetch: sends requests to it.
        time: the wall clock.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        options: ProviderOptions,
        fetch: Fetch,
        time: Callable[[], UnixTime],
        seconds: Callable[[], float],
    ) -> None:
        self._options = options
        self._fetch = fetch
        self._time = time
        self._metadata = ProviderMetadata(options.issuer, fetch, seconds)

    async def address(self, attempt: Attempt) -> str:
        """Return where a browser logs in.

        Raises:
            ProviderUnavailable: it does not say.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        options, metadata = self._options, await self._metadata.read()
        return str(
            prepare_grant_uri(
                metadata.authorization,
                options.client_id,
                "code",
                options.redirect_uri,
                " ".join(options.scopes),
                attempt.state,
                nonce=attempt.nonce,
                code_challenge=create_s256_code_challenge(attempt.verifier),
                code_challenge_method="S256",
            )
        )

    async def probe(self) -> str:
        """Read description and keys; returns a line for ``check-config``.

        Raises:
            ProviderUnavailable: they cannot be read.
        """
        keys = await self._metadata.keys()
        count = len(keys["keys"])
        return (
            f"{self._options.issuer} has {count} {'key' if count == 1 else 'keys'} for signatures"
        )

    def code_in(self, attempt: Attempt, query: str) -> Mapping[str, str]:
        """Return the provider's answer in the address that it has sent the browser back to.

        Raises:
            LoginFailed: it is for another browser, or the provider has refused.
        """
        found = _parameters(query)
        if not compare_digest(found.get("state", "").encode(), attempt.state.encode()):
            raise LoginFailed("the state is not that of this browser's login", word="other-browser")
        if error := found.get("error"):
            word = "denied" if error == "access_denied" else "provider"
            why = printable(f"{error}: {found.get('error_description', '')}", 300)
            raise LoginFailed(f"the provider answers {why}", word=word)
        if not found.get("code"):
            raise LoginFailed("the answer has no code")
        return found

    async def login(self, attempt: Attempt, answer: Mapping[str, str]) -> Login:
        """Return who has logged in.

        Args:
            answer: of `code_in`.

        Raises:
            LoginFailed: it is not said by the provider, or not for this login, or the user cannot
                be used.
            ProviderUnavailable: it does not answer.
        """
        metadata = await self._metadata.read()
        self._check_issuer(metadata, answer)
        tokens = await self._exchange(metadata, attempt, answer["code"])
        access = tokens.get("access_token")
        access = access if isinstance(access, str) else ""
        claims = await self._verified(attempt, tokens.get("id_token"), access)
        if metadata.userinfo and access and self._lacks(claims):
            claims = {**await self._userinfo(metadata, access, claims["sub"]), **claims}
        return self._login(claims)

    def _check_issuer(self, metadata: Metadata, answer: Mapping[str, str]) -> None:
        said = answer.get("iss")
        if said is None and not metadata.names_issuer:
            return
        if said != self._options.issuer:
            raise LoginFailed("the answer is of another issuer")

    async def _exchange(self, metadata: Metadata, attempt: Attempt, code: str) -> dict[str, Any]:
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        options = self._options
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=options.redirect_uri,
            code=code,
            code_verifier=attempt.verifier,
        )
        way = "client_secret_post" if metadata.posts_secret else "client_secret_basic"
        client = ClientAuth(options.client_id, options.secret, way if options.secret else "none")
        if options.secret and not metadata.posts_secret:
            # RFC 6749 section 2.3.1; the library leaves it out
            client.client_id, client.client_secret = map(
                quote_plus, (options.client_id, options.secret)
            )
        headers = {"Accept": "application/json", "Content-Type": _FORM}
        url, headers, body = client.prepare("POST", metadata.token, headers, body)
        status, content = await self._fetch("POST", url, headers, body)
        if status in (400, 401):
            raise LoginFailed(f"the provider refuses the code: {_error(content)}", word="used")
        return answered(metadata.token, status, content)

    async def _verified(self, attempt: Attempt, token: object, access: str) -> dict[str, Any]:
        options = self._options
        for anew in (False, True):
            keys = await self._metadata.keys(anew=anew)
            try:
                return verified(
                    token,
                    keys,
                    issuer=options.issuer,
                    client_id=options.client_id,
                    nonce=attempt.nonce,
                    access_token=access,
                    now=self._time(),
                )
            except UnknownKey as e:
                why = str(e)
        raise LoginFailed(
            f"no key of the provider has signed the id token: {why}", word="untrusted"
        )

    def _lacks(self, claims: Mapping[str, Any]) -> bool:
        options = self._options
        wanted = (options.user_claim, options.name_claim, options.groups_claim)
        return any(claim(claims, name) is None for name in wanted)

    async def _userinfo(self, metadata: Metadata, access: str, subject: object) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {access}"}
        found = await self._metadata.get(metadata.userinfo, headers)
        if found.get("sub") != subject:
            raise LoginFailed(
                "the provider's user information is of another user", word="untrusted"
            )
        return found

    def _login(self, claims: Mapping[str, Any]) -> Login:
        options = self._options
        user = user_in(claims, options.user_claim)
        return Login(
            user,
            name_in(claims, options.name_claim, user),
            groups_in(claims, options.groups_claim),
            self._time() + options.lifetime,
            issuer=options.issuer,
        )


def _parameters(query: str) -> Mapping[str, str]:
    """Return the parameters of an answer, the last one of several with the same name.

    Raises:
        LoginFailed: they are too many, or too long.
    """
    try:
        found = dict(parse_qsl(query, max_num_fields=MOST_PARAMETERS))
    except ValueError as e:
        raise LoginFailed("the answer has too many parameters") from e
    if any(len(value) > LONGEST_CODE for value in found.values()):
        raise LoginFailed("the answer has parameters that are too long")
    return found


def _error(content: bytes) -> str:
    """Return the error of an answer (RFC 6749 section 5.2), for the log."""
    try:
        found = answered("", 200, content)
    except ProviderUnavailable:
        return "it does not say why"
    return printable(f"{found.get('error')}: {found.get('error_description', '')}", 300)
