"""One XML-RPC request over HTTP, limited in time and size.

``pyone`` sends its requests without a time limit of their own.
"""

from __future__ import annotations

import time

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from .errors import Unanswered

LONGEST_ANSWER = 64 * 1024 * 1024
"""Bytes, a security limit; the list of all machines of a large cloud has a few million."""

_PIECE = 65536


class Post:
    """Sends a request's body and returns the answer's.

    Args:
        ca_file: PEM file of the authorities to trust; empty for those that ``requests`` trusts.
    """

    def __init__(self, ca_file: str = "") -> None:
        self._verify: str | bool = ca_file or True

    def __call__(self, url: str, body: bytes, seconds: float) -> bytes:
        """Post to a URL; neither redirects nor the environment's proxies are followed.

        Raises:
            Unanswered: no answer in time, an answer that is too long, or not status 200.
        """
        end = time.monotonic() + seconds
        try:
            with requests.Session() as session:
                # the session must not go to a proxy, and a netrc's password must not be added
                session.trust_env = False
                with session.post(
                    url,
                    data=body,
                    headers={"Content-Type": "text/xml"},
                    timeout=seconds,
                    verify=self._verify,
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    if answer.status_code != 200:
                        raise Unanswered(f"HTTP status {answer.status_code}")
                    return _read(answer, end)
        except (requests.Timeout, ReadTimeoutError) as e:
            raise Unanswered(f"no answer within {seconds:.1f} s") from e
        except (requests.RequestException, HTTPError, OSError, ValueError) as e:
            raise Unanswered(_innermost(e)) from e


def _read(answer: requests.Response, end: float) -> bytes:
    data = bytearray()
    # not iter_content, which waits for a whole piece, however slowly it arrives
    while piece := answer.raw.read1(_PIECE, decode_content=True):
        data += piece
        if len(data) > LONGEST_ANSWER:
            raise Unanswered(f"an answer of more than {LONGEST_ANSWER} bytes")
        if time.monotonic() > end:
            raise Unanswered(f"an answer that was not over in time, after {len(data)} bytes")
    return bytes(data)


def _innermost(error: BaseException) -> str:
    """Return the message of the first of a chain of errors, which the others only wrap."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(getattr(error, "strerror", None) or error)
