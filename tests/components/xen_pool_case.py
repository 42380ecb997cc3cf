"""A simulated pool, and the backend that asks it in threads."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.xapi_simulator import Host, Pool, serve
from vncproxy.backends.xen.connection import Pool as Login
from vncproxy.backends.xen.machines import inventory
from vncproxy.backends.xen.settings import XenSettings
from vncproxy.errors import BackendError

USER, PASSWORD = "console", "s3cret-xapi-password"


THREADS = 8


class World:
    """An authority, and certificates for two hosts."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="xen-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        authority = Authority(folder)
        self.ca_file = authority.ca_file
        self.old = authority.issue("127.0.0.1", old=True)
        self.certificates = {
            "xen1": authority.issue("127.0.0.1"),
            "xen2": authority.issue("127.0.0.2"),
        }


world = cache(World)


class PoolTestCase(SynchronousTestCase):
    timeout = 300

    def setUp(self) -> None:
        self.here, self.there = Host("xen1", "127.0.0.1"), Host("xen2", "127.0.0.2")
        self.pool = Pool([self.here, self.there])
        self.vm = self.pool.add("web-01", 5900)
        stack = ExitStack()
        self.addCleanup(stack.close)
        stack.enter_context(serve(self.pool, world().certificates))

    def url(self, host: int = 1) -> str:
        return f"https://127.0.0.{host}:{self.pool.port}"

    def login(self, *urls: str, patience: float = 60.0, **more: Any) -> Login:
        table = {
            "url": urls or (self.url(),),
            "username": USER,
            "password": PASSWORD,
            "tls": {"ca_file": world().ca_file},
            "addresses": {"127.0.0.1": "127.0.0.1", "127.0.0.2": "127.0.0.2"},
        }
        login = Login(XenSettings.model_validate({**table, **more}), patience)
        self.addCleanup(login.close)
        return login

    def logins(self) -> int:
        return self.pool.count("session.login_with_password")

    def error(self, login: Login) -> str:
        with self.assertRaises(BackendError) as caught:
            login(inventory, "xen")
        told = str(caught.exception)
        for secret in (PASSWORD, *self.pool.sessions):
            self.assertNotIn(secret, told)
        return told
