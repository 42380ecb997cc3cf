"""A portal: an https server that shows one page, the example of docs/embedding.md."""

from __future__ import annotations

import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "embedding.md"


def example(console_url: str) -> str:
    """Return the page of the documentation with the URL of a console in its frame."""
    found = re.search(r"```html\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    return found[1].replace("CONSOLE_URL", console_url)


class Portal:
    """Serves on a free port of this machine.

    Args:
        certificate: its file, and that of its key; without, plain HTTP is served.

    Attributes:
        page: what it shows.
    """

    def __init__(self, certificate: tuple[str, str] | None = None) -> None:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = portal.page.encode()
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Write nothing."""

        self.page = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
