"""The errors of requests for tokens that cannot be issued."""

from __future__ import annotations

from ..errors import ClientError


class IssueRefused(ClientError):
    """A token is not issued, because of one field of the request.

    Args:
        message: lower case, what is wrong or allowed; for the issuer.
        field: dotted path of the field.
        code: a fixed word, for programs.
    """

    public = "The token cannot be issued as requested."
    status = 422
    code = "invalid-field"

    def __init__(self, message: str, *, field: str, code: str = "invalid-field") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.reason = code


class NoProxyForHost(IssueRefused):
    """No proxy shows the consoles of a machine's host now.

    Args:
        message: why, lower case.
    """

    status = 503
    code = "no-proxy"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="vm", code=self.code)
