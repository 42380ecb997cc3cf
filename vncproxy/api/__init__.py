"""The HTTP API: tokens, machines, sessions, health and metrics.

`site` puts it together, `routes` has the paths, `keys` says who may call, and `bodies` and `reply`
are the JSON.
"""

from __future__ import annotations

from .authentication import ApiKey, Scope, new_api_key
from .health import health_resource
from .site import api_resource, api_site

__all__ = [
    "ApiKey",
    "Scope",
    "api_resource",
    "api_site",
    "health_resource",
    "new_api_key",
]
