"""Calls to Redis, to backends and of the API: how many, how they ended, and the time they take."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Histogram

from .labels import OTHER, BackendLabels
from .registry import Registry

_REDIS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_BACKEND_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_API_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE"})


class CallMetrics:
    """The calls that one process makes and answers."""

    def __init__(self, registry: Registry, backend: BackendLabels) -> None:
        self._backend = backend
        redis = Histogram(
            "vncproxy_redis_operation_seconds",
            "Seconds of the operations on Redis, those that failed included.",
            ("operation",),
            buckets=_REDIS_BUCKETS,
            registry=registry,
        )
        # each opening of a session looks for these several times
        self._redis = cache(redis.labels)
        redis_errors = Counter(
            "vncproxy_redis_errors_total",
            "Operations on Redis that failed: no connection, no answer in time, or refused.",
            ("operation",),
            registry=registry,
        )
        self._redis_errors = cache(redis_errors.labels)
        steps = Histogram(
            "vncproxy_backend_seconds",
            "Seconds of the steps to a console: locate, connect and handshake.",
            ("backend", "step"),
            buckets=_BACKEND_BUCKETS,
            registry=registry,
        )
        self._steps = cache(steps.labels)
        self._step_errors = Counter(
            "vncproxy_backend_errors_total",
            "Steps to a console that failed, by the code of the reason.",
            ("backend", "step", "reason"),
            registry=registry,
        )
        self._add_api(registry)

    def _add_api(self, registry: Registry) -> None:
        self._api = Counter(
            "vncproxy_api_requests_total",
            "Requests to the API, by route, method and class of the status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._api_seconds = Histogram(
            "vncproxy_api_request_seconds",
            "Seconds from a request to the API to its answer.",
            ("route",),
            buckets=_API_BUCKETS,
            registry=registry,
        )

    def redis_operation(self, operation: str, seconds: float, failed: bool) -> None:
        """Count an operation on Redis.

        Args:
            operation: its name in the source, such as ``redeem``.
        """
        self._redis(operation).observe(seconds)
        errors = self._redis_errors(operation)  # zero is shown, too: a rate needs it
        if failed:
            errors.inc()

    def backend_step(self, backend: str, step: str, seconds: float, failed: str) -> None:
        """Count a step to a console.

        Args:
            step: ``locate``, ``connect`` or ``handshake``.
            failed: the code of the reason; empty where it succeeded.
        """
        name = self._backend(backend)
        self._steps(name, step).observe(seconds)
        if failed:
            self._step_errors.labels(name, step, failed).inc()

    def api_answer(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer of the API.

        Args:
            route: the template of its path, such as ``/v1/tokens/<token_id>``; empty for none.
        """
        route = route or OTHER
        known = method if method in _METHODS else OTHER
        self._api.labels(route, known, f"{status // 100}xx").inc()
        self._api_seconds.labels(route).observe(seconds)
