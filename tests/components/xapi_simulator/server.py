"""The hosts' web servers: XML-RPC, JSON-RPC, and CONNECT to consoles."""

from __future__ import annotations

import json
import socket
import ssl
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .pool import Host, Machine, Pool, Refusal

UNAUTHORISED = "<html><body><h1>HTTP 401 unauthorised</h1></body></html>"


class _Handler(BaseHTTPRequestHandler):
    """One connection; made anew by `_server` with its host."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    pool: Pool
    host: Host

    def handle(self) -> None:
        if self.host.xapi_down and isinstance(self.connection, ssl.SSLSocket):
            self.connection.do_handshake()
        elif not (self.host.down or self.host.xapi_down):
            super().handle()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/jsonrpc":
            self._reply(200, "application/json", self._json(json.loads(body)))
        else:
            self._reply(200, "text/xml", self._xml(body))

    def do_CONNECT(self) -> None:
        self.close_connection = True
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        self.pool.asked.append((self.host.name, f"CONNECT {self.path}"))
        machine = self.pool.console(query)
        if refusal := self._refusal(url.path, query, machine):
            status, text, *headers = refusal
            self._reply(int(status), "text/html", UNAUTHORISED, text, *headers)
            return
        assert machine is not None
        self._tunnel(machine)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""

    def _xml(self, body: bytes) -> str:
        params, method = xmlrpc.client.loads(body)
        try:
            answer = {"Status": "Success", "Value": self._call(str(method), params)}
        except Refusal as e:
            answer = {"Status": "Failure", "ErrorDescription": e.description}
        return xmlrpc.client.dumps((answer,), methodresponse=True)

    def _json(self, request: dict[str, Any]) -> str:
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            answer["result"] = self._call(request["method"], request.get("params", []))
        except Refusal as e:
            code, *data = e.description
            answer["error"] = {"code": 1, "message": code, "data": data}
        return json.dumps(answer)

    def _call(self, method: str, params: Any) -> Any:
        return self.pool.call(self.host, method, params)

    def _refusal(
        self, path: str, query: Mapping[str, str], machine: Machine | None
    ) -> tuple[str, ...]:
        """Return status, its text and further headers; nothing when the console is shown."""
        user = self.pool.sessions.get(self._session(query))
        if path != "/console":
            return "403", "Forbidden"
        if user is None:
            return "401", "Unauthorised", 'WWW-Authenticate: Basic realm="XenServer"'
        if user in self.pool.viewers_only:
            return "403", "Forbidden"
        if machine is None or machine.power_state != "Running" or machine.host is not self.host:
            return "500", "Internal Error"
        if machine.vnc is None:
            return "404", "Not Found"
        if self.pool.one_viewer and machine.viewers:
            return "503", "Connection Limit Exceeded"
        return ()

    def _session(self, query: Mapping[str, str]) -> str:
        """Return the session's reference: a cookie wins over the query."""
        cookies = (self.headers["Cookie"] or "").split(";")
        pairs = dict(cookie.strip().partition("=")[::2] for cookie in cookies)
        return pairs.get("session_id") or query.get("session_id", "")

    def _tunnel(self, machine: Machine) -> None:
        """Answer 200, with or without a VNC server, and its banner in the same segment."""
        reply = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n"
        reply += b"Cache-Control: no-cache, no-store\r\n\r\n"
        try:
            server = socket.create_connection(("127.0.0.1", machine.vnc or 0), self.timeout)
        except OSError:
            self.connection.sendall(reply)
            return
        machine.viewers += 1
        try:
            with server:
                self.connection.sendall(reply + server.recv(12))
                _join(self.connection, server, self.pool.idle_limit)
        finally:
            machine.viewers -= 1

    def _reply(self, status: int, kind: str, body: str, text: str = "", *headers: str) -> None:
        data = body.encode()
        self.send_response(status, text or None)
        for header in headers:
            self.send_header(*header.split(": ", 1))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: str, port: int, handler: type[_Handler]) -> None:
        super().__init__((address, port), handler)

    def secure(self, certificate: str, key: str, ciphers: str) -> None:
        """Wrap a connection in TLS; its handshake happens in the connection's own thread."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if ciphers:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: clients may leave, or refuse the certificate."""


@contextmanager
def serve(
    pool: Pool, certificates: Mapping[str, tuple[str, str]], ciphers: str = ""
) -> Iterator[int]:
    """Let all hosts of a pool listen for TLS on the same port, which is the pool's then.

    Args:
        certificates: host's name -> files of its certificate and key.
        ciphers: the only ones of the hosts, with TLS 1.2, as in version 7.

    Returns:
        A port on which all of them listen without TLS.
    """
    with ExitStack() as stack:
        secure, plain = _servers(pool), _servers(pool)
        for server, host in zip(secure, pool.hosts, strict=True):
            server.secure(*certificates[host.name], ciphers)
        for server in (*secure, *plain):
            Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
        pool.port = secure[0].server_address[1]
        yield plain[0].server_address[1]


def _servers(pool: Pool) -> list[_Server]:
    """Return one server for each host, on a port that is free on all of their addresses."""
    while True:
        servers: list[_Server] = []
        try:
            for host in pool.hosts:
                port = servers[0].server_address[1] if servers else 0
                handler = type("Handler", (_Handler,), {"pool": pool, "host": host})
                servers.append(_Server(host.address, port, handler))
        except OSError:
            for server in servers:
                server.server_close()
        else:
            return servers


def _join(client: socket.socket, server: socket.socket, idle_limit: float) -> None:
    """Carry bytes both ways until a side closes, or a client that is watched is idle.

    XAPI watches only clients that answer RFB 3.3, and none that sends a message of an extension.
    """
    limit = None
    said = b""
    while True:
        pending = isinstance(client, ssl.SSLSocket) and client.pending()
        ready = [client] if pending else select([client, server], [], [], limit)[0]
        if not ready:
            return
        for source, target in ((client, server), (server, client)):
            if source in ready:
                data = source.recv(65536)
                if not data:
                    return
                target.sendall(data)
                if source is client:
                    said = (said + data)[:13]
        limit = idle_limit if idle_limit and said.startswith(b"RFB 003.003\n") else None
