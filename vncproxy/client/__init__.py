"""A client of the HTTP API for portals, with and without asyncio.

::

    from vncproxy.client import Client

    with Client("http://127.0.0.1:6082", key) as console:
        link = console.issue_token("kvm/web-01", "alice", policy={"max_duration": 3600})["url"]

`AsyncClient` has the same methods, to be awaited. Answers are the API's JSON as `TypedDict`;
what goes wrong is an `ApiError`. In reading order:

- `call`: a request of the API as a value.
- `calls`, `screen_calls`, `recording_calls`: each of them, without I/O.
- `failures`: from a bad answer to an exception.
- `clients`: `Client` and `AsyncClient`, which carry calls out.
"""

from __future__ import annotations

from .call import Call
from .calls import GivenPolicy
from .clients import AsyncClient, Client
from .failures import ApiError, Refused, Unreachable

__all__ = ["ApiError", "AsyncClient", "Call", "Client", "GivenPolicy", "Refused", "Unreachable"]
