"""The HTTP response that refuses a request where twisted.web does not serve it."""

from __future__ import annotations

import random


def http_refusal(
    status: int, sentence: str, *headers: str, retry_after: int = 0, with_body: bool = True
) -> bytes:
    """Return a response that has the sentence in its status line and as its body.

    TCP viewers show the status line only, other clients the body. Line breaks of the sentence,
    which may be a backend's, become spaces: they would end the status line.

    Args:
        headers: further header lines.
        retry_after: the longest time in seconds after which to try again, 0 for none; the response
            has a random one, so that clients do not retry at once.
        with_body: False for clients that would take a body for WebSocket frames.
    """
    text = " ".join(sentence.split()).encode("ascii", "replace")
    body = text + b"\n" if with_body else b""
    lines = [
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    if retry_after:
        lines.append(f"Retry-After: {random.randint(1, retry_after)}")  # noqa: S311
    header = "\r\n".join(lines).encode("ascii")
    return b"HTTP/1.1 %d %s\r\n%s\r\n\r\n%s" % (status, text, header, body)
