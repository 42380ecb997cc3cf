"""What binds the provider's answer to the browser that was sent there.

A browser that is sent to the provider gets a secret in a cookie. The state, the nonce and the code
verifier of the login are derived from it, so that no proxy has to remember who was sent away: any
proxy recognises the answer, and nothing is kept for those who never come back.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field

from ..model import is_secret, new_secret, secret_id


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login that has begun.

    Attributes:
        secret: of the browser's cookie.
    """

    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> Attempt:
        """Begin a login."""
        return cls(new_secret())

    @classmethod
    def of_cookie(cls, value: str) -> Attempt | None:
        """Return the attempt of a browser; None where the cookie has none."""
        return cls(value) if is_secret(value) else None

    @property
    def id(self) -> str:
        """By which it is noted that it has come to its end."""
        return secret_id(self.secret)

    @property
    def state(self) -> str:
        """What the provider gives back with its answer."""
        return self._derived(b"state")

    @property
    def nonce(self) -> str:
        """What the id token has to say."""
        return self._derived(b"nonce")

    @property
    def verifier(self) -> str:
        """The code verifier (RFC 7636)."""
        return self._derived(b"verifier")

    def _derived(self, what: bytes) -> str:
        digest = hmac.digest(self.secret.encode(), b"vncproxy login: " + what, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
