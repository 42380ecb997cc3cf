"""Who logged in: an id token, verified (OpenID Connect Core 1.0 section 3.1.3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import LoginFailed
from .limits import LEEWAY, LONGEST_TOKEN

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
"""Signatures by a key pair; others use a shared secret, and each who knows it could sign."""


class UnknownKey(Exception):
    """The keys that are known do not verify the token; the provider may have other ones."""


def verified(
    token: object,
    keys: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str,
    now: float,
) -> dict[str, Any]:
    """Return the claims of an id token.

    Args:
        keys: the provider's, a JWK set.
        nonce: that the login was begun with.
        access_token: that came with it.

    Raises:
        UnknownKey: no key of the set has signed it.
        LoginFailed: it is not for this login.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import JoseError

    header, claims = _opened(token, keys)
    checked = CodeIDToken(
        claims,
        header,
        {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
        },
        {"nonce": nonce, "client_id": client_id, "access_token": access_token},
    )
    try:
        checked.validate(now=int(now), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError) as e:
        raise LoginFailed(f"the id token is not for this login: {e}") from e
    return dict(claims)


def _opened(token: object, keys: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    from joserfc import jwt
    from joserfc.errors import DecodeError, JoseError
    from joserfc.jwk import KeySet

    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        raise LoginFailed(
            "the answer has no id token, or a longer one than allowed", word="untrusted"
        )
    try:
        found = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=[*ALGORITHMS])  # type: ignore[arg-type]
    except DecodeError as e:
        raise LoginFailed(f"the id token is malformed: {e}") from e
    except (JoseError, ValueError, TypeError, KeyError) as e:
        raise UnknownKey(str(e)) from e
    return dict(found.header), dict(found.claims)
