"""Pictures of machines, asked of a proxy's API."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
from email.message import Message
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .gateway import Gateway
from .libvirt_host import until

Pixels = NDArray[np.uint8]


def picture(
    gateway: Gateway, query: str, headers: dict[str, str] | None = None
) -> tuple[int, Message[str, str], bytes]:
    """Ask for a picture; returns status, headers and body."""
    request = urllib.request.Request(
        f"http://{gateway.host}:{gateway.api_port}/v1/screenshot?{query}",
        headers={"Authorization": f"Bearer {gateway.key}", **(headers or {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


def decoded(image: bytes) -> Pixels:
    """Return the pixels of an image of any format."""
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))


def pixels(gateway: Gateway, vm: str, more: str = "") -> Pixels:
    """Return the pixels of a machine's screen, which has a picture."""
    status, _, body = picture(gateway, f"vm={vm}{more}")
    assert status == 200, body
    return decoded(body)


def wait_for_colour(gateway: Gateway, vm: str, colour: tuple[int, int, int]) -> None:
    """Wait until all of a machine's screen has a colour, as guests have it after their start."""
    until(lambda: bool((pixels(gateway, vm) == colour).all()), f"{colour} at {vm}")


def screendump(domain: Any) -> Pixels:
    """Return what ``virsh screenshot`` saves of a libvirt domain."""
    stream, parts = domain.connect().newStream(0), []
    domain.screenshot(stream, 0)
    stream.recvAll(lambda _stream, data, _none: parts.append(data), None)
    stream.finish()
    return decoded(b"".join(parts))
