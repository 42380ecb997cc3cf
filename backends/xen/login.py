"""A login at a pool's master: found by way of any member, with the library's own session.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from ssl import SSLContext
from typing import Any, Final
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError
from xmlrpc.client import Error as XMLRPCError

from XenAPI import Failure, Session

from ...addresses import bracketed, is_dialable, meaning
from ...errors import BackendError
from ..tls_context import context
from .errors import clean, explain
from .settings import PLAIN, XenSettings
from .transport import Transport

VERSION: Final = "1.0"
ORIGINATOR: Final = "vncproxy"
"""The name of the proxy's sessions in XAPI, which limits their number by it."""

REDIRECTS: Final = 3
"""Members that may name another one as master, one after the other."""

IS_SLAVE: Final = "HOST_IS_SLAVE"

FINAL: Final = (
    "SESSION_AUTHENTICATION_FAILED",
    "SESSION_AUTHORIZATION_FAILED",
    "RBAC_PERMISSION_DENIED",
)
"""Errors that every member of a pool gives alike, so that no other one is asked."""

FAILURES: Final = (
    *(OSError, HTTPException, XMLRPCError, ExpatError, Failure),
    *(LookupError, TypeError, ValueError),
)
"""The errors of a question; the last three are those of malformed answers."""


class AccountRefused(BackendError):
    """The pool refuses the account: each further login may count towards a lock-out of it."""


class Unusable(Exception):
    """Neither a member nor the master that it names allows a login; the message has the URL."""


@dataclass(frozen=True, slots=True)
class Login:
    """A session at the master, shared by all threads.

    Attributes:
        api: the library's session.
        transport: what it sends its requests with.
        url: the master.
        since: when it was made, in seconds of the monotonic clock.
    """

    api: Session = field(repr=False)
    transport: Transport = field(repr=False)
    url: str
    since: float = field(default_factory=time.monotonic)

    @property
    def xenapi(self) -> Any:
        """The methods of XAPI, by their names there: ``xenapi.VM.get_record(ref)``."""
        return self.api.xenapi

    @property
    def ref(self) -> str:
        """The session's reference, as secret as a password."""
        return str(self.api.handle)

    def disconnect(self) -> None:
        """Close the thread's connection: masters close idle ones, and there may be many threads."""
        self.transport.close()

    def log_out(self, until: float) -> None:
        """End the session; failures are ignored.

        Args:
            until: when this must be over, in seconds of the monotonic clock.
        """
        self.transport.until = until
        with suppress(*FAILURES):
            # not the library's own logout, which repeats the method of the login
            self.api.session.logout(self.ref)
        self.disconnect()


OLD_CIPHERS: Final = "DEFAULT:!aNULL:!eNULL"
"""OpenSSL's default ciphers, with the RSA key exchange that Python leaves out; as for consoles."""


def log_in(settings: XenSettings, urls: Sequence[str], until: float) -> Login:
    """Log in at the first member that leads to the master.

    Args:
        urls: members, in the order in which they are asked.
        until: when this must be over, in seconds of the monotonic clock; of what is left, each
            member gets its share.

    Raises:
        AccountRefused: by the first member that checks it.
        BackendError: no member leads to the master.
    """
    problems = []
    for position, url in enumerate(urls):
        now = time.monotonic()
        share = now + max(0.0, until - now) / (len(urls) - position)
        try:
            return _by_way_of(url, settings, share)
        except Unusable as e:
            problems.append(str(e))
    raise BackendError("; ".join(problems))


def trust_context(settings: XenSettings) -> SSLContext:
    """Return what verifies the members' certificates.

    Raises:
        BackendError: a file cannot be used.
    """
    trust = settings.tls.trust()
    made = context(trust)
    if settings.old_ciphers:
        made.set_ciphers(OLD_CIPHERS)
    if trust.certificate_file:
        try:
            made.load_cert_chain(trust.certificate_file, trust.key_file or None, password="")
        except OSError as e:
            raise BackendError(f"tls.certificate_file {trust.certificate_file}: {e}") from e
    return made


def _by_way_of(url: str, settings: XenSettings, until: float) -> Login:
    asked: list[str] = []
    while len(asked) <= REDIRECTS:
        try:
            return _at(url, settings, until)
        except Failure as e:
            told = f"{url}: {explain(e, settings, url)}"
            if e.details[0] in FINAL:
                raise AccountRefused(told) from e
            if e.details[0] != IS_SLAVE:
                raise Unusable(told) from e
            asked.append(url)
            url = _master(url, str(e.details[1]), settings)
        except FAILURES as e:
            raise Unusable(f"{url}: {explain(e, settings, url)}") from e
    raise Unusable(f"{', '.join(asked)}: none is the pool's master, each names another one")


def _at(url: str, settings: XenSettings, until: float) -> Login:
    plain = url.startswith(f"{PLAIN}:")
    transport = Transport(None if plain else trust_context(settings))
    transport.until = until
    api = Session(f"{url}/", transport=transport)
    try:
        _authenticate(api, settings.username, settings.password.get_secret_value())
    except BaseException:
        transport.close()
        raise
    # otherwise each thread would log in for itself, and leave the session of the others open
    api.last_login_method = api.last_login_params = None
    return Login(api, transport, url)


def _authenticate(api: Session, *account: str) -> None:
    try:
        api.xenapi.login_with_password(*account, VERSION, ORIGINATOR)
    except Failure as e:
        if e.details[0] != "MESSAGE_PARAMETER_COUNT_MISMATCH":
            raise
        api.xenapi.login_with_password(*account)


def _master(url: str, address: str, settings: XenSettings) -> str:
    """Return the URL of the master that a member has named, with the member's own port."""
    if not is_dialable(address):
        raise Unusable(f"{url}: the master that it names, {clean(address)!r}, is no address")
    if settings.is_refused(address):
        raise Unusable(
            f"{url}: the master that it names, {clean(address)!r}, is {meaning(address)}; write "
            "in addresses where it is"
        )
    host = settings.dialled(address)
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{bracketed(host)}{port}"
