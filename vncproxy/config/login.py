"""``[login]``: logins at an OpenID provider, and what its users may do at the start page."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from ..addresses import is_loopback
from ..model import Seconds
from . import urls
from .scope import Access, Scope
from .secret import Secret
from .setting_types import PlainText, wrong_key
from .table import Table

ANY: str = "*"
"""Stands for every user that can log in, in the groups of a policy."""


def _issuer(url: str) -> str:
    if url and urls.split(url).scheme != "https" and not is_local(url):
        raise ValueError("must begin with https://: what it says decides who logs in")
    return url


def is_local(url: str) -> bool:
    """Tell whether a URL is of this machine."""
    return is_loopback(urlsplit(url).hostname or "") or urlsplit(url).hostname == "localhost"


IssuerURL = Annotated[str, AfterValidator(_issuer)]
Word = Annotated[PlainText, StringConstraints(min_length=1, max_length=100, pattern=r"^\S+$")]
ClaimName = Annotated[PlainText, StringConstraints(min_length=1, max_length=200)]
Texts = tuple[Annotated[PlainText, StringConstraints(min_length=1, max_length=256)], ...]


class LoginPolicy(Access):
    """One ``[[login.policies]]``: users of the provider, and what they may do with which machines.

    Attributes:
        groups: of which a user has one; ``*`` for all users.
        users: the texts of `Login.user_claim`.
    """

    groups: Texts = ()
    users: Texts = ()
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] = frozenset(
        {Scope.ISSUE, Scope.READ, Scope.SCREENSHOT}
    )

    @model_validator(mode="after")
    def _for_somebody(self) -> Self:
        if not self.groups and not self.users:
            raise wrong_key("groups", 'names no group, and users no user; "*" stands for all users')
        return self


class Login(Table):
    """``[login]``: who may log in, where, and which links demand it.

    Attributes:
        issuer: the provider's issuer, as its tokens have it; empty for no login.
        client_secret: empty for a client without a secret.
        label: the provider's name on the button.
        scopes: what is asked for.
        user_claim: whose text is the user in tokens, sessions and the audit.
        name_claim: whose text the page greets with.
        groups_claim: whose texts policies name; ``a.b`` is member ``b`` of claim ``a``.
        ca_file: of authorities; empty for those of the system.
        timeout: seconds for one request to the provider.
        lifetime: seconds after which a user has to log in again.
        api_keys: whether keys of the API are accepted at the start page, instead of a login.
        required: whether links to consoles are of use only to users that are logged in.
        bound_to: whether it has to be the user that a link was issued to.
        viewers: whether viewers that are no browsers open links without a login all the same.
        policies: what users may do at the start page; the first that is for a machine counts.
    """

    issuer: IssuerURL = ""
    client_id: PlainText = ""
    client_secret: Secret = Field(default=SecretStr(""), repr=False)
    label: Annotated[PlainText, StringConstraints(max_length=60)] = ""
    scopes: Annotated[tuple[Word, ...], Field(min_length=1)] = ("openid", "profile")
    user_claim: ClaimName = "sub"
    name_claim: ClaimName = "name"
    groups_claim: ClaimName = "groups"
    ca_file: str = ""
    timeout: Annotated[Seconds, Field(le=30)] = 8.0
    lifetime: Annotated[Seconds, Field(ge=60, le=604800)] = 28800.0
    api_keys: bool = False
    required: bool = False
    bound_to: Literal["user", "any"] = "user"
    viewers: bool = False
    policies: tuple[LoginPolicy, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer and not self.client_id:
            raise wrong_key("client_id", "is missing: the provider knows this gateway by it")
        if self.issuer and "openid" not in self.scopes:
            raise wrong_key("scopes", 'must have "openid", or the provider says not who logs in')
        if self.api_keys and self.required:
            raise wrong_key("api_keys", "has no use with required: links need a login then")
        for key in ("client_id", "required"):
            if getattr(self, key) and not self.issuer:
                raise wrong_key(key, "has no effect without issuer")
        return self
