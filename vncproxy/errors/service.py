"""Errors of the proxy itself, its configuration, store and audit file."""

from __future__ import annotations

from typing import Self

from .root import VNCProxyError


class ConfigurationError(VNCProxyError):
    """A setting that cannot work."""

    public = "The console service is not set up as this console needs it."
    code = "configuration"
    ask_administrator = True


class StoreUnavailable(VNCProxyError):
    """The token store does not answer."""

    public = "The console service is not available at the moment. Try again in a minute."
    status = 503
    close_code = 4102
    code = "store-unavailable"


class RecordingUnavailable(VNCProxyError):
    """The session has to be recorded, and this proxy is not set up for it, or cannot now."""

    public = "This console has to be recorded, and the console service cannot do that now."
    status = 503
    close_code = 4102
    code = "recording-unavailable"
    ask_administrator = True


class KeysInterrupted(VNCProxyError):
    """The session that types has ended before everything was typed.

    Args:
        typed: how many times keys were pressed.
    """

    public = "Not everything was typed."
    status = 409
    code = "keys-interrupted"

    def __init__(self, detail: str = "", *, typed: int = 0, public: str | None = None) -> None:
        super().__init__(detail, public=public)
        self.typed = typed

    @classmethod
    def after(cls, why: VNCProxyError, typed: int, wanted: int) -> Self:
        """Return the error of a session that has ended.

        Args:
            why: it has.
            wanted: how many times keys were to be pressed.
        """
        sentence = f"{typed} of {wanted} keys were typed. {why.sentence()}"
        detail = f"{typed} of {wanted} keys: {why.code} {why.detail}"
        return cls(detail, typed=typed, public=sentence)


class KeystoneUnavailable(VNCProxyError):
    """OpenStack's Keystone does not say whether a token of its own is valid."""

    public = "The Keystone service is temporarily unavailable."
    status = 503
    code = "keystone-unavailable"


class Busy(VNCProxyError):
    """Too many sessions are opening; the token was not redeemed."""

    public = "The console service is busy. Try again in a moment."
    status = 503
    close_code = 4115
    code = "busy"
    retry_after = 8


class AtAnotherProxy(VNCProxyError):
    """The machine's console is shown by another proxy; the use of the token was given back.

    Args:
        detail: which proxy, for the log.
        address: where TCP viewers find it, for the sentence.
        is_good: whether the same link is good there.
        public: another sentence, where no link is used.

    Attributes:
        url: where a page goes on, with all that it needs to open the console; a secret.
    """

    public = "The virtual machine runs on another host now. Ask for a new console link."
    status = 421
    close_code = 4117
    code = "at-another-proxy"

    def __init__(
        self,
        detail: str = "",
        url: str = "",
        address: str = "",
        *,
        is_good: bool = True,
        public: str | None = None,
    ) -> None:
        good = f"The virtual machine runs on another host now. Open the same link at {address}."
        new = f"The virtual machine runs at {address} now. Ask for a new console link."
        told = (good if is_good else new) if address else None
        super().__init__(detail, public=public or told)
        self.url = url


class AuditUnavailable(VNCProxyError):
    """The audit file cannot be written, and the configuration requires a line of each session."""

    public = StoreUnavailable.public
    status = 503
    close_code = 4102
    code = "audit-unavailable"
