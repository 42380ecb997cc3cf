from __future__ import annotations

from pydantic import SecretStr
from twisted.trial.unittest import SynchronousTestCase

from vncproxy import __version__
from vncproxy.config.digest import configuration_digest
from vncproxy.config.settings import Listen, Log, Proxy, Redis, Settings, Tokens
from vncproxy.service.start_lines import start_lines


class StartLinesTests(SynchronousTestCase):
    def test_what_starts(self) -> None:
        settings = Settings(
            proxy=Proxy(name="proxy-1"),
            tokens=Tokens(store="redis"),
            redis=Redis(host="192.0.2.5", password=SecretStr("hunter2")),
            log=Log(audit="/var/log/vncproxy/audit.json"),
            listen=Listen(web=("tcp:6080", "tcp:6443"), xvp=()),
        )

        lines = list(start_lines(settings))

        digest = configuration_digest(settings)
        self.assertEqual(
            lines,
            [
                f"vncproxy {__version__} starts as proxy-1, configuration {digest}",
                "backends: none; token sources: none; tokens in redis at 192.0.2.5:6379; "
                "0 API keys; audit lines to /var/log/vncproxy/audit.json",
                "listens for browsers at tcp:6080, tcp:6443",
                "listens for the API at tcp:6082:interface=127.0.0.1",
            ],
        )
