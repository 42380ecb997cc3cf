"""The handshake with a viewer: the proxy is the server and offers security type None.

The token has authorised the user already, so no password reaches a viewer. Failure reasons are sent
in the security phase, where every viewer shows them (RFC 6143 section 7.1.2).
"""

from __future__ import annotations

from enum import Enum

from ..errors import DownstreamViolation
from ..handshake.steps import Read, Steps, Write
from .versions import BANNER_SIZE, NotRFB, Version, encode_reason, parse_banner

NONE = 1
_U32_NONE = NONE.to_bytes(4, "big")
_OK, _FAILED = bytes(4), (1).to_bytes(4, "big")


class Phase(Enum):
    """The phase of a greeting."""

    BEFORE = "nothing is sent"
    VERSION = "the proxy waits for the viewer's version"
    OFFER = "the version is agreed on, and no security type is offered yet"
    CHOICE = "the proxy waits for a 3.8 viewer to choose a security type"
    RESULT = "a 3.8 viewer waits for the result of its choice"
    AFTER = "the security phase is over: no reason can be sent any more"


class Greeting:
    """The greeting of one viewer; `refuse` continues it from the phase that it has reached."""

    __slots__ = ("_phase", "_version")

    def __init__(self) -> None:
        self._phase = Phase.BEFORE
        self._version = Version.V3_8

    def greet(self) -> Steps[bool]:
        """Run the handshake up to and including ClientInit.

        Returns:
            The shared flag of ClientInit.

        Raises:
            DownstreamViolation: the viewer does not use RFB, or chooses a type not offered.
        """
        version = yield from self._agree_on_version()
        if version is Version.V3_3:
            self._phase = Phase.AFTER
            yield Write(_U32_NONE)
        else:
            self._phase = Phase.CHOICE if version is Version.V3_8 else Phase.AFTER
            yield Write(bytes([1, NONE]))
            choice = (yield Read(1, "its choice of a security type"))[0]
            if self._phase is Phase.CHOICE:
                self._phase = Phase.RESULT
            if choice != NONE:
                raise DownstreamViolation(f"viewer chose security type {choice}, offered {NONE}")
        if version is Version.V3_8:
            self._phase = Phase.AFTER
            yield Write(_OK)
        return (yield Read(1, "its ClientInit message")) != b"\0"

    def refuse(self, reason: str) -> Steps[None]:
        """Send the viewer the reason for a refusal, where the protocol still allows it.

        Before security types were offered, an empty offer carries it. Afterwards, a 3.8 viewer gets
        it with the SecurityResult; older versions have no reason there.
        """
        if self._phase in (Phase.BEFORE, Phase.VERSION):
            yield from self._agree_on_version()
        if self._phase is Phase.OFFER:
            self._phase = Phase.AFTER
            zero_types = bytes(4) if self._version is Version.V3_3 else bytes(1)
            yield Write(zero_types + encode_reason(reason))
        elif self._phase is Phase.CHOICE:
            yield Read(1, "its choice of a security type")
            self._phase = Phase.RESULT
        if self._phase is Phase.RESULT:
            self._phase = Phase.AFTER
            yield Write(_FAILED + encode_reason(reason))

    def _agree_on_version(self) -> Steps[Version]:
        if self._phase is Phase.BEFORE:
            self._phase = Phase.VERSION
            yield Write(Version.V3_8.value)
        banner = yield Read(BANNER_SIZE, "its RFB version")
        self._phase = Phase.AFTER
        try:
            self._version = parse_banner(banner)
        except NotRFB as e:
            raise DownstreamViolation(e.detail) from e
        self._phase = Phase.OFFER
        return self._version


def greet() -> Steps[bool]:
    """Run a new viewer's handshake; see `Greeting.greet`."""
    return Greeting().greet()


def refuse(reason: str) -> Steps[None]:
    """Refuse a new viewer; see `Greeting.refuse`."""
    return Greeting().refuse(reason)


def refusal_at_once(reason: str) -> bytes:
    """Return all that refuses a new viewer, without waiting for its version.

    Viewers of RFB 3.3 find no reason in it, and show their own words.
    """
    return Version.V3_8.value + bytes(1) + encode_reason(reason)
