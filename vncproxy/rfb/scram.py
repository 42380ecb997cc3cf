"""The client's side of SCRAM (RFC 5802), through a library."""

from __future__ import annotations

import re

from scramp import ScramClient, ScramException

from ..errors import UpstreamRefused, UpstreamViolation

MAX_ITERATIONS = 100_000
"""Rounds of hashing that a server may require; they block the reactor, for about 0.1 s."""

_ITERATIONS = re.compile(r"(?:^|,)i=(\d{1,9})(?:,|$)")


class ScramLogin:
    """One login by user name and password.

    Raises:
        UpstreamRefused: the name or the password has characters that the mechanism cannot carry.
    """

    def __init__(self, mechanism: str, username: str, password: str) -> None:
        try:
            self._client = ScramClient([mechanism], username, password)
        except ScramException:
            # the library's message may contain a character of the password
            raise UpstreamRefused(
                f"user name or password cannot be used with {mechanism}"
            ) from None

    def first(self) -> str:
        """Return the client's first message."""
        return str(self._client.get_client_first())

    def prove(self, challenge: str) -> str:
        """Return the answer to the server's challenge.

        Raises:
            UpstreamViolation: it is malformed, or requires too many iterations.
        """
        asked = _ITERATIONS.search(challenge)
        if not asked or int(asked[1]) > MAX_ITERATIONS:
            raise UpstreamViolation(f"SCRAM without a number of iterations up to {MAX_ITERATIONS}")
        try:
            self._client.set_server_first(challenge)
            return str(self._client.get_client_final())
        except (ScramException, ValueError) as e:
            raise UpstreamViolation("SCRAM: the server's challenge cannot be understood") from e

    def check(self, proof: str) -> None:
        """Verify that the server knows the password, too.

        Raises:
            UpstreamRefused: it does not, or refuses.
        """
        try:
            self._client.set_server_final(proof)
        except (ScramException, ValueError) as e:
            raise UpstreamRefused("SCRAM: the server refuses, or does not know the password") from e
