"""The table ``[token_sources.NAME]`` of type ``nova``: which cloud, as whom, and the way to it."""

from __future__ import annotations

from ...config.cloud import CloudSettings
from .servers import ServerSettings


class NovaTokensSettings(CloudSettings, ServerSettings):
    """How to log in to Keystone, and how compute hosts are dialled."""

    def warnings(self) -> list[str]:
        """Return what may be wrong in the table."""
        return [*self.cloud_warnings(), *super().warnings()]

    __str__ = CloudSettings.__str__
