"""Guests, a Redis and keys, and a proxy that takes websockify's kinds of tokens."""

from __future__ import annotations

import atexit
import base64
import secrets
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.components.gateway import Gateway
from tests.components.redis_server import RedisServer
from tests.components.vnc_servers import QemuMachine

PASSWORD = "s3cret-p"


REDIS_PASSWORD = "s3cret-redis-password"


class World:
    """A guest without and one with a password, and a proxy that takes three kinds of tokens."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="websockify-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.tokens = self.folder / "tokens"
        self.tokens.mkdir()
        self.redis = RedisServer(password=REDIS_PASSWORD).start()
        atexit.register(self.redis.remove)
        self.plain = self._machine("plain")
        self.guarded = self._machine(
            "guarded", objects=[f"secret,id=pw,data={PASSWORD}"], vnc=",password-secret=pw"
        )
        self.key = secrets.token_bytes(32)
        self.key_file = self.folder / "key"
        self.key_file.write_text(base64.urlsafe_b64encode(self.key).decode().rstrip("="))
        self.gateway = Gateway(self.config()).start()
        atexit.register(self.gateway.stop)

    def _machine(self, name: str, **how: Any) -> QemuMachine:
        machine = QemuMachine(self.folder, name, **how).start()
        atexit.register(machine.stop)
        return machine

    def config(self, redis_password: str = REDIS_PASSWORD, redis_port: int = 0) -> str:
        return f"""
[timeouts]
linger = 2
[token_sources.portal]
type = "websockify-file"
path = "{self.tokens}"
vnc_password = "{PASSWORD}"
addresses = {{ "127.0.0.1" = "127.0.0.1", localhost = "127.0.0.1" }}
[token_sources.shared]
type = "websockify-redis"
port = {redis_port or self.redis.port}
timeout = 5
password = "{redis_password}"
namespace = "consoles"
addresses = {{ "127.0.0.1" = "127.0.0.1", "::1" = "::1" }}
[token_sources.signed]
type = "jwt"
key_file = "{self.key_file}"
addresses = {{ "127.0.0.1" = "127.0.0.1" }}
"""


world = cache(World)
