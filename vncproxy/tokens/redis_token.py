"""A token as it is read from Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model import Token


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as Redis has it.

    Attributes:
        now: milliseconds of Redis's clock, which the fields of ``state`` are compared with.
        record: None once the token's time is over.
        state: the fields of `vncproxy.tokens.scripts`.
    """

    now: int
    record: bytes | None
    state: Mapping[bytes, bytes]

    @classmethod
    def read(cls, answer: Any) -> StoredToken:
        """Read the answer of ``LOOK``."""
        now, record, fields = answer
        return cls(now, record, dict(zip(fields[::2], fields[1::2], strict=True)))

    @property
    def revoked(self) -> bool:
        """Whether it was revoked."""
        return b"revoked" in self.state

    @property
    def redeemed_record(self) -> bytes:
        """The record as it was when a use was first taken; empty before."""
        return self.state.get(b"record", b"")

    def has_resume(self, cookie_id: str) -> bool:
        """Tell whether a browser may re-enter by a cookie."""
        return self._lasts(b"resume:" + cookie_id.encode())

    def opens(self, cookie_id: str) -> bool:
        """Tell whether the first session of a cookie is opening."""
        return b"opening:" + cookie_id.encode() in self.state

    def resumable(self) -> bool:
        """Tell whether a browser may re-enter, or a session is opening."""
        return any(
            self._lasts(key) for key in self.state if key.startswith((b"resume:", b"opening:"))
        )

    def uses_left(self, token: Token) -> int | None:
        """Return how many uses can be taken; None for any number."""
        if self.record is None:
            return 0
        uses, used = token.policy.uses, int(self.state.get(b"used", b"0"))
        lost = [k for k in self.state if k.startswith(b"opening:") and not self._lasts(k)]
        return None if uses == 0 else max(0, uses - used + len(lost))

    def _lasts(self, key: bytes) -> bool:
        return int(self.state.get(key, b"0").rpartition(b":")[2]) > self.now
