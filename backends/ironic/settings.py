"""The table ``[backends.NAME]`` of type ``ironic``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ...addresses import Host
from ...config.cloud import CloudSettings
from ...model import Seconds


class IronicSettings(CloudSettings):
    """How to log in, and where consoles are dialled.

    An Ironic without Keystone is a cloud of ``clouds.yaml``, with ``auth_type: http_basic``.

    Attributes:
        start_timeout: seconds that a console may take to start, the questions before included; less
            than ``[timeouts] locate``, which ends the wait without a word of the start.
        addresses: where a host is dialled, by what Ironic calls it. This machine itself, loopback
            or a wildcard, is dialled only where it stands here.
    """

    start_timeout: Annotated[Seconds, Field(le=60)] = 8.0
    addresses: dict[str, Host] = {}
