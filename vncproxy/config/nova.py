"""``[nova]`` and ``[keystone]``: the API of OpenStack's clients, and what their users may do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .cloud import CloudSettings, KeystoneURL
from .scope import Access, Scope
from .setting_types import PageURL, PlainText, ServiceURL
from .table import Table

ANY: str = "*"
"""Stands for every project, or for every role."""


class Keystone(CloudSettings):
    """``[keystone]``: how Keystone is asked whose a token is.

    Attributes:
        cache: seconds for which an answer is used; a token that was revoked is good for as long.
        www_authenticate_uri: Keystone's URL for clients, which refusals name.
    """

    cache: Annotated[float, Field(ge=0, le=3600)] = 60.0
    www_authenticate_uri: KeystoneURL = ""

    @property
    def uri_for_clients(self) -> str:
        """Keystone's URL for clients; empty where only ``clouds.yaml`` says it."""
        return self.www_authenticate_uri or self.auth_url


class NovaPolicy(Access):
    """One ``[[nova.policies]]``: users of Keystone, and what they may do with which machines.

    Attributes:
        projects: ids, or ``<domain>/<name>``, or ``*``.
        roles: of which the user has one in the project.
        owner: ``project`` leaves the machines that their backend knows to be the project's.
        tags: of which a machine has one; none for any machine.
    """

    projects: Annotated[tuple[PlainText, ...], Field(min_length=1)]
    roles: Annotated[tuple[PlainText, ...], Field(min_length=1)] = ("member",)
    owner: Literal["project", "any"] = "project"
    tags: tuple[PlainText, ...] = ()
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] = frozenset({Scope.ISSUE, Scope.READ})


class Nova(Table):
    """``[nova]``: the API that OpenStack's clients use, on the listeners of the HTTP API."""

    authentication: tuple[Literal["keys", "keystone", "none"], ...] = ("keys",)
    url: ServiceURL = ""
    novnc_url: PageURL = ""
    policies: tuple[NovaPolicy, ...] = ()
