from __future__ import annotations

import re

from pydantic import BaseModel, SecretStr
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.digest import configuration_digest
from vncproxy.config.settings import BackendTable, Listen, Log, Proxy, Public, Redis, Settings
from vncproxy.model import Limits


class Hypervisor(BaseModel):
    uri: str
    password: SecretStr = SecretStr("")


def with_backend(**keys: object) -> Settings:
    table = BackendTable("libvirt", Hypervisor.model_validate({"uri": "qemu:///system", **keys}))
    return Settings(backends={"kvm": table})


class ConfigurationDigestTests(SynchronousTestCase):
    def test_it_is_the_same_for_equal_configurations(self) -> None:
        self.assertEqual(configuration_digest(with_backend()), configuration_digest(with_backend()))
        self.assertTrue(re.fullmatch(r"[0-9a-f]{12}", configuration_digest(Settings())))

    def test_each_option_of_the_service_changes_it(self) -> None:
        digests = {
            configuration_digest(each)
            for each in (
                Settings(),
                Settings(public=Public(base_url="https://console.example.com/")),
                Settings(redis=Redis(port=6380)),
                with_backend(),
                with_backend(uri="qemu+ssh://kvm2/system"),
            )
        }

        self.assertEqual(len(digests), 5)

    def test_what_belongs_to_one_proxy_does_not_change_it(self) -> None:
        other = Settings(
            proxy=Proxy(name="proxy-2"),
            listen=Listen(web=("tcp:7080",)),
            log=Log(audit="/x"),
            limits=Limits(sessions=7, connections=9),
        )

        self.assertEqual(configuration_digest(other), configuration_digest(Settings()))

    def test_it_tells_nothing_of_secrets(self) -> None:
        for first, second in (
            (with_backend(password="a"), with_backend(password="b")),
            (Settings(redis=Redis(password=SecretStr("a"))), Settings()),
        ):
            self.assertEqual(configuration_digest(first), configuration_digest(second))
