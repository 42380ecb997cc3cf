"""Clients that carry calls out over HTTP; each of their methods sends one of `calls`."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO, Generic, ParamSpec, Self, TypeVar, overload

import httpx

from . import calls, recording_calls, screen_calls
from .call import Call
from .failures import Unreachable, read_answer

P = ParamSpec("P")
T = TypeVar("T")

TIME_LIMIT = 30.0
"""Seconds for each step of a request: to connect, to send, to be answered."""


class _Method(Generic[P, T]):
    """Sends what a function of `calls` makes, and returns the answer, or what is to be awaited."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    @overload
    def __get__(self, client: None, owner: object) -> Callable[P, Call[T]]: ...
    @overload
    def __get__(self, client: Client, owner: object) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: object) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: Client | AsyncClient | None, owner: object) -> Callable[P, Any]:
        if client is None:
            return self._make
        return lambda *args, **kwargs: client.ask(self._make(*args, **kwargs))


class _Methods:
    """What both clients can be asked for."""

    issue_token = _Method(calls.issue_token)
    show_token = _Method(calls.show_token)
    revoke_token = _Method(calls.revoke_token)
    revoke_tokens = _Method(calls.revoke_tokens)
    create_key = _Method(calls.create_key)
    list_keys = _Method(calls.list_keys)
    revoke_key = _Method(calls.revoke_key)
    list_machines = _Method(calls.list_machines)
    power = _Method(calls.power)
    list_sessions = _Method(calls.list_sessions)
    show_session = _Method(calls.show_session)
    shadow_session = _Method(calls.shadow_session)
    invite_to_session = _Method(calls.invite_to_session)
    change_session = _Method(calls.change_session)
    message_session = _Method(calls.message_session)
    drive_session = _Method(calls.drive_session)
    end_session = _Method(calls.end_session)
    end_sessions = _Method(calls.end_sessions)
    show_screen = _Method(screen_calls.show_screen)
    wait_screen = _Method(screen_calls.wait_screen)
    type_keys = _Method(screen_calls.type_keys)
    list_approvals = _Method(calls.list_approvals)
    approve_session = _Method(calls.approve_session)
    withdraw_approval = _Method(calls.withdraw_approval)
    deny_session = _Method(calls.deny_session)
    show_self = _Method(calls.show_self)
    list_proxies = _Method(calls.list_proxies)
    drain_proxy = _Method(calls.drain_proxy)
    list_recordings = _Method(recording_calls.list_recordings)
    show_recording = _Method(recording_calls.show_recording)
    delete_recording = _Method(recording_calls.delete_recording)
    get_recording = _Method(recording_calls.get_recording)
    link_recording = _Method(recording_calls.link_recording)
    revoke_recording_links = _Method(recording_calls.revoke_recording_links)


class Client(_Methods):
    """The API behind a URL; connections are kept until it is closed.

    Args:
        url: of the API.
        key: an API key, as it is, or as the line of a file.
        timeout: seconds for each step of a request.
        options: of ``httpx.Client``, such as ``verify``; by default the system's authorities are
            trusted, and no proxy of the environment is used.

    Raises:
        ValueError: the key has invalid characters.
        httpx.InvalidURL: the URL is none.
    """

    def __init__(self, url: str, key: str, *, timeout: float = TIME_LIMIT, **options: Any) -> None:
        self.url = url
        self._timeout = timeout
        self._http = httpx.Client(**_options(url, key, timeout, options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def ask(self, call: Call[T]) -> T:
        """Carry a call out and return the JSON of its answer.

        Raises:
            Refused: the API refuses.
            Unreachable: nothing answers in time, or what answers is not the API.
        """
        try:
            response = self._http.request(call.method, call.path, **_contents(call, self._timeout))
        except httpx.RequestError as e:
            raise _unreachable(self.url, e) from e
        answer: T = _answer(self.url, call, response)
        return answer

    def save(self, call: Call[bytes], file: BinaryIO) -> int:
        """Write the bytes of an answer to a file as they come; returns how many there are.

        Raises:
            Refused: the API refuses; nothing was written.
            Unreachable: nothing answers in time, or the answer broke off.
        """
        try:
            with self._http.stream(
                call.method, call.path, **_contents(call, self._timeout)
            ) as response:
                if response.status_code >= 300:
                    response.read()
                    _answer(self.url, call, response)
                return sum(file.write(piece) for piece in response.iter_raw())
        except httpx.RequestError as e:
            raise _unreachable(self.url, e) from e


class AsyncClient(_Methods):
    """The same for asyncio: what `Client` returns is awaited."""

    def __init__(self, url: str, key: str, *, timeout: float = TIME_LIMIT, **options: Any) -> None:
        self.url = url
        self._timeout = timeout
        self._http = httpx.AsyncClient(**_options(url, key, timeout, options))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def ask(self, call: Call[T]) -> T:
        """Carry a call out and return the JSON of its answer; it raises what `Client.ask` does."""
        try:
            response = await self._http.request(
                call.method, call.path, **_contents(call, self._timeout)
            )
        except httpx.RequestError as e:
            raise _unreachable(self.url, e) from e
        answer: T = _answer(self.url, call, response)
        return answer

    async def save(self, call: Call[bytes], file: BinaryIO) -> int:
        """Write the bytes of an answer to a file; as `Client.save`."""
        saved = 0
        try:
            async with self._http.stream(
                call.method, call.path, **_contents(call, self._timeout)
            ) as response:
                if response.status_code >= 300:
                    await response.aread()
                    _answer(self.url, call, response)
                async for piece in response.aiter_raw():
                    saved += file.write(piece)
        except httpx.RequestError as e:
            raise _unreachable(self.url, e) from e
        return saved


def _options(url: str, key: str, timeout: float, options: dict[str, Any]) -> dict[str, Any]:
    if url.startswith("https:") and "transport" not in options:
        options.setdefault("verify", ssl.create_default_context())
    headers = {**options.pop("headers", {}), "Authorization": f"Bearer {_checked(key)}"}
    defaults = {"base_url": url, "timeout": timeout, "trust_env": False}
    return {**defaults, **options, "headers": headers}


def _checked(key: str) -> str:
    """Return a key without the blanks around it; httpx would show an invalid one in its error."""
    key = key.strip()
    if not (key and key.isascii() and key.isprintable()):
        raise ValueError("an API key has printable ASCII characters only, and at least one")
    return key


def _contents(call: Call[Any], timeout: float) -> dict[str, Any]:
    limits = httpx.Timeout(timeout, read=timeout + call.patience)
    contents = {"params": call.query or None, "json": call.body, "headers": call.headers}
    return {**contents, "timeout": limits}


def _answer(url: str, call: Call[Any], response: httpx.Response) -> Any:
    status, content, headers = response.status_code, response.content, response.headers
    return read_answer(url, status, content, headers, call.media_type)


def _unreachable(url: str, error: httpx.RequestError) -> Unreachable:
    """Return why a request got no answer, in the system's words where there are some."""
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"the API at {url} did not answer in time")
    cause: BaseException = error
    while following := cause.__cause__ or cause.__context__:
        cause = following
    what = "cannot be reached" if isinstance(error, httpx.ConnectError) else "broke off"
    return Unreachable(f"the API at {url} {what}: {_words(cause).lower()}")


def _words(cause: BaseException) -> str:
    """Return the system's words for a failure; asyncio puts others into its place."""
    match cause:
        case ssl.SSLError() | socket.gaierror():
            return cause.strerror or str(cause)
        case OSError(errno=int(number)):
            return os.strerror(number)
    return str(cause)
