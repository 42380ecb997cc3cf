"""Which OpenStack cloud, and as whom: the keys that several tables have in common."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from ..addresses import is_loopback
from ..model import Seconds
from .secret import Secret


def _keystone(text: str) -> str:
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and url.hostname and url.username is None
    except ValueError:
        usable = False
    if text and not usable:
        raise PydanticCustomError(
            "url", "must be Keystone's URL without a user, such as https://keystone.example.com/v3"
        )
    return text


KeystoneURL = Annotated[str, AfterValidator(_keystone)]


class CloudSettings(BaseModel):
    """A login at Keystone: a cloud of ``clouds.yaml``, or the keys from ``auth_url`` on.

    Attributes:
        cloud: name of a cloud in ``clouds.yaml``; empty where the keys from ``auth_url`` on say it.
        clouds_file: the ``clouds.yaml``; empty for the places that OpenStack's tools search.
        auth_url: Keystone's URL, ``https://keystone.example.com/v3``.
        region_name: empty takes the only region.
        interface: ``public``, ``internal`` or ``admin``; empty leaves it to the SDK.
        ca_file: authorities for OpenStack's services; empty for the usual ones.
        timeout: seconds for one question, logging in included.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    cloud: str = ""
    clouds_file: str = ""
    auth_url: KeystoneURL = ""
    username: str = ""
    password: Secret = SecretStr("")
    project_name: str = ""
    user_domain_name: str = "Default"
    project_domain_name: str = "Default"
    region_name: str = ""
    interface: str = ""
    ca_file: str = ""
    timeout: Annotated[Seconds, Field(le=30)] = 8.0

    @model_validator(mode="after")
    def _says_which_cloud(self) -> CloudSettings:
        if bool(self.cloud) == bool(self.auth_url):
            raise PydanticCustomError("cloud", "needs cloud = …, or auth_url = …, and not both")
        if self.auth_url and not (self.username and self.password and self.project_name):
            raise PydanticCustomError(
                "auth_url", "auth_url needs username, password and project_name"
            )
        if self.clouds_file and not self.cloud:
            raise PydanticCustomError("clouds_file", "clouds_file needs cloud")
        return self

    def sdk_options(self) -> dict[str, Any]:
        """Return what the SDK's configuration takes, the password included."""
        options: dict[str, Any] = {"api_timeout": self.timeout}
        if self.cloud:
            options["cloud"] = self.cloud
        else:
            options["auth_type"] = "password"
            options["auth"] = {
                "auth_url": self.auth_url,
                "username": self.username,
                "password": self.password.get_secret_value(),
                "project_name": self.project_name,
                "user_domain_name": self.user_domain_name,
                "project_domain_name": self.project_domain_name,
            }
        named = {
            "region_name": self.region_name,
            "interface": self.interface,
            "cacert": self.ca_file,
        }
        return {**options, **{name: value for name, value in named.items() if value}}

    def cloud_warnings(self) -> list[str]:
        """Return what is unsafe about the way to the cloud."""
        url = urlsplit(self.auth_url)
        if url.scheme == "http" and not is_loopback(url.hostname or ""):
            return [f"the password travels unencrypted to {self.auth_url}: use https"]
        return []

    def __str__(self) -> str:
        return f"cloud {self.cloud}" if self.cloud else self.auth_url
