"""``[listen]``: where users and API callers are served, and the certificate for native viewers."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator

from .listeners import EndpointText, tls_endpoint, without_wrapper
from .setting_types import Endpoint
from .table import Table


class Listen(Table):
    """``[listen]``: endpoint strings of Twisted, any number for each kind.

    Attributes:
        rfb: for viewers that log in over RFB, with the certificate that `certificate` names.
    """

    web: tuple[Endpoint, ...] = ("tcp:6080",)
    xvp: tuple[Endpoint, ...] = ("tcp:6081",)
    api: tuple[Endpoint, ...] = ("tcp:6082:interface=127.0.0.1",)
    rfb_certificate: str = ""
    rfb_key: str = ""
    rfb: tuple[Endpoint, ...] = ()

    @property
    def of_users(self) -> tuple[str, ...]:
        """The endpoints of users."""
        return (*self.web, *self.xvp, *self.rfb)

    @property
    def all_endpoints(self) -> tuple[str, ...]:
        """All endpoints."""
        return (*self.web, *self.xvp, *self.api, *self.rfb)

    @property
    def certificate(self) -> str:
        """The ``ssl:`` endpoint whose certificate ``rfb`` has; empty where there is none.

        It is made of ``rfb_certificate`` and ``rfb_key``, or is the first of web and xvp.
        """
        if self.rfb_certificate:
            return tls_endpoint(self.rfb_certificate, self.rfb_key)
        plain = (without_wrapper(each)[0] for each in (*self.web, *self.xvp))
        return next((each for each in plain if EndpointText.parse(each).kind == "ssl"), "")

    @field_validator("rfb")
    @classmethod
    def _with_certificate(cls, endpoints: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for text in endpoints:
            if EndpointText.parse(text).kind == "ssl":
                raise ValueError(
                    f'"{text}" must be tcp:, unix: or systemd:, since viewers start TLS after RFB '
                    "has begun; rfb_certificate names the certificate"
                )
        if endpoints and not cls.model_construct(**info.data).certificate:
            raise ValueError("needs rfb_certificate, or an ssl: endpoint in web or xvp")
        return endpoints

    @field_validator("web", "xvp", "api", "rfb")
    @classmethod
    def _each_once(cls, endpoints: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        lists = (others for others in info.data.values() if not isinstance(others, str))
        taken = [text for others in lists for text in others]
        for text in endpoints:
            if text in taken and EndpointText.parse(text).arguments[:1] != ("0",):
                raise ValueError(f'must name each endpoint once, and "{text}" is there twice')
            taken.append(text)
        return endpoints
