"""The HTTP API: tokens, machines, sessions, health and metrics.

In reading order:

- `reply`: results and errors as JSON, one shape for each.
- `request_ids`: the id of each request.
- `caller`: the sender of a request, and what it may do and touch.
- `authentication`: from a request's headers to a caller, the seam for further ways.
- `keys`: API keys, the first way.
- `stored_keys`: those that were created by the API.
- `gate`: the rates of keys, and when they were last used.
- `audit`: audit lines of the API.
- `repeats`: requests that may be sent again.
- `desk`: all that a request of a caller passes before its route.
- `health`: ``/healthz`` and ``/readyz``.
- `visible_metrics`: ``/metrics``, without the backends that a caller may not touch.
- `broadcast`: looks at the cluster while there are readers, and tells them what has changed.
- `event_stream`: server-sent events as a response.
- `zones`: requests of other zones.
- `permissions`: which machines a caller may see and use.
- `shared_result`: one result for several that wait for it.
- `machine_lists`: the machines of all backends.
- `v1`: the routes below ``/v1``.
- `nova`: what OpenStack's clients use, below ``/v2.1``.
- `dashboard`: the operator's page.
- `front`: what the start page has of the API.
- `assembly`: what it is made of, and how it is put together.
- `site`: the root, and what is answered before a route is looked for.
"""

from __future__ import annotations

from ..config.scope import Scope
from .assembly import ApiParts
from .authentication import IAuthenticator, Unauthenticated
from .caller import Caller
from .health import health_resource
from .keys import ApiKey, ApiKeys, new_api_key
from .site import api_resource, api_site

__all__ = [
    "ApiKey",
    "ApiKeys",
    "ApiParts",
    "Caller",
    "IAuthenticator",
    "Scope",
    "Unauthenticated",
    "api_resource",
    "api_site",
    "health_resource",
    "new_api_key",
]
