"""The proxy that records, with a listener for native viewers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.ports import free_port


class RecordingGateway:
    """A gateway in front of one screen, which records all sessions.

    Args:
        folder: for its certificate and its recordings.
        port: of the screen's VNC server.

    Attributes:
        running: its process.
        recordings: where they are.
        rfb_port: for native viewers, with TLS.
        ca_file: the authority of its certificate.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.recordings = folder / "recordings"
        self.recordings.mkdir()
        authority = Authority(folder)
        certificate, key = authority.issue("localhost")
        self.ca_file, self.rfb_port = authority.ca_file, free_port()
        self.running = Gateway(
            f"""
[recording]
directory = "{self.recordings}"
vms = ["here/*"]
[backends.here]
type = "static"
[backends.here.consoles]
screen = {{ address = "127.0.0.1:{port}" }}
""",
            tables={
                "public": f'rfb_address = "localhost:{self.rfb_port}"',
                "listen": f"""
rfb = ["tcp:{self.rfb_port}:interface=127.0.0.1"]
rfb_certificate = "{certificate}"
rfb_key = "{key}"
""",
            },
        ).start()

    def issue(self, vm: str, **more: Any) -> dict[str, Any]:
        """Issue a link."""
        return self.running.issue(vm, **more)

    def recording_of(self, token: dict[str, Any]) -> Path:
        """Return the recording of the session of a link, once it has ended."""
        opened = self.running.audit_of("open", token=token["token"])
        line = self.running.audit_of("recording", session=opened["session"])
        return self.recordings / str(line["file"])
