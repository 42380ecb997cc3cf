"""The greeting of a viewer: the proxy is the server and offers security type None.

The token has authorised the user already, so no password ever reaches a viewer. A failure is told
in the security phase, the one place where every viewer shows a text (RFC 6143 section 7.1.2).
"""

from __future__ import annotations

from enum import Enum

from ..errors import DownstreamViolation
from ..handshake.steps import Read, Steps, Write
from .versions import BANNER_SIZE, NotRFB, Version, encode_reason, parse_banner

NONE = 1
_U32_NONE = NONE.to_bytes(4, "big")
_OK, _FAILED = bytes(4), (1).to_bytes(4, "big")


class _Place(Enum):
    """How far a greeting has come."""

    BEFORE = "nothing is said"
    VERSION = "the proxy waits for the viewer's version"
    CHOICE = "the proxy waits for a 3.8 viewer's choice of a security type"
    RESULT = "a 3.8 viewer waits for the result of its choice"
    AFTER = "the security phase is over: no reason can be told any more"


class Greeting:
    """The greeting of one viewer, which a refusal goes on with wherever it was broken off."""

    __slots__ = ("_place",)

    def __init__(self) -> None:
        self._place = _Place.BEFORE

    def greet(self) -> Steps[bool]:
        """Greet the viewer up to and including its ClientInit.

        Returns:
            The shared flag of ClientInit.

        Raises:
            DownstreamViolation: it does not speak RFB, or chooses what was not offered.
        """
        version = yield from self._agree_on_version()
        if version is Version.V3_3:
            yield Write(_U32_NONE)
        else:
            self._place = _Place.CHOICE if version is Version.V3_8 else _Place.AFTER
            yield Write(bytes([1, NONE]))
            choice = (yield Read(1, "its choice of a security type"))[0]
            if self._place is _Place.CHOICE:
                self._place = _Place.RESULT
            if choice != NONE:
                raise DownstreamViolation(f"viewer chose security type {choice}, offered {NONE}")
        if version is Version.V3_8:
            self._place = _Place.AFTER
            yield Write(_OK)
        return (yield Read(1, "its ClientInit message")) != b"\0"

    def refuse(self, reason: str) -> Steps[None]:
        """Tell the viewer why it gets no console, where there is still a way to do so.

        Before security types were offered, none are. Afterwards a 3.8 viewer gets the failure as
        the result of its choice; others have no place for it.
        """
        if self._place in (_Place.BEFORE, _Place.VERSION):
            version = yield from self._agree_on_version()
            zero_types = bytes(4) if version is Version.V3_3 else bytes(1)
            yield Write(zero_types + encode_reason(reason))
        elif self._place is _Place.CHOICE:
            yield Read(1, "its choice of a security type")
            self._place = _Place.RESULT
        if self._place is _Place.RESULT:
            self._place = _Place.AFTER
            yield Write(_FAILED + encode_reason(reason))

    def _agree_on_version(self) -> Steps[Version]:
        if self._place is _Place.BEFORE:
            self._place = _Place.VERSION
            yield Write(Version.V3_8.value)
        banner = yield Read(BANNER_SIZE, "its RFB version")
        self._place = _Place.AFTER  # until more is said
        try:
            return parse_banner(banner)
        except NotRFB as e:
            raise DownstreamViolation(e.detail) from e


def greet() -> Steps[bool]:
    """Greet a viewer that is not refused; see `Greeting.greet`."""
    return Greeting().greet()


def refuse(reason: str) -> Steps[None]:
    """Refuse a viewer that was not greeted; see `Greeting.refuse`."""
    return Greeting().refuse(reason)
