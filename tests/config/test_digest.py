from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, SecretStr, create_model
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.digest import backend_digest, configuration_digest
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


class BackendDigestTests(SynchronousTestCase):
    def digest(self, **keys: object) -> str:
        return backend_digest(with_backend(**keys).backends["kvm"])

    def test_it_is_the_same_for_equal_tables_only(self) -> None:
        self.assertEqual(self.digest(), self.digest())
        self.assertNotEqual(self.digest(), self.digest(uri="qemu+ssh://kvm2/system"))

    def test_it_tells_nothing_of_secrets_declared_or_not(self) -> None:
        self.assertEqual(self.digest(password="a"), self.digest(password="b"))
        self.assertEqual(self.digest(uri="x://me:a@host/"), self.digest(uri="x://me:b@host/"))
        for name in ("api_token", "Passwort_passphrase", "key", "client_secret"):
            one, other = (self.of_others({name: (str, text)}) for text in ("a", "b"))
            self.assertEqual(one, other, name)

    def of_others(self, fields: Any) -> str:
        """Return the digest of a backend of others, with the fields of its settings."""
        return backend_digest(BackendTable("own", create_model("Own", **fields)()))

    def test_it_has_nothing_of_one_process(self) -> None:
        one, other = (self.of_others({"x": (Any, object())}) for _ in range(2))

        self.assertEqual(one, other)
