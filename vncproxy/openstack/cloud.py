"""One login at an OpenStack cloud, shared by threads."""

from __future__ import annotations

import logging
import threading
from importlib.util import find_spec
from typing import Any

from ..config.cloud import CloudSettings
from ..errors import ConfigurationError


class Cloud:
    """The SDK's connection to a cloud: it logs in at its first call, and again when that is over.

    Args:
        settings: which cloud, and as whom.
        table: the table that they are from, for the message about a missing library.

    Raises:
        ConfigurationError: the SDK is not installed.
    """

    def __init__(self, settings: CloudSettings, table: str) -> None:
        if find_spec("openstack") is None:
            raise ConfigurationError(
                f"[{table}] needs the OpenStack SDK: pip install 'vncproxy[nova]'"
            )
        self._settings = settings
        self._lock = threading.Lock()
        self._connection: Any = None

    def connection(self) -> Any:
        """Return the ``openstack.connection.Connection``; its methods block."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection

    def _connect(self) -> Any:
        # imported late: it takes half a second, and is an extra
        from openstack.config import OpenStackConfig
        from openstack.connection import Connection

        _silence()
        settings = self._settings
        files = [settings.clouds_file] if settings.clouds_file else None
        known = OpenStackConfig(
            config_files=files, load_yaml_config=bool(settings.cloud), load_envvars=False
        )
        return Connection(config=known.get_one(**settings.sdk_options()))


def _silence() -> None:
    """Keep the libraries' warnings, which hold URLs, off the standard error."""
    for name in ("keystoneauth", "openstack", "urllib3"):
        logging.getLogger(name).addHandler(logging.NullHandler())
