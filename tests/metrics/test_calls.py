from __future__ import annotations

from prometheus_client import generate_latest
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.metrics import Registry
from vncproxy.metrics.calls import CallMetrics
from vncproxy.metrics.labels import MAX_BACKENDS, OTHER, BackendLabels


class CallMetricsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.registry = Registry()
        self.calls = CallMetrics(self.registry, BackendLabels())

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"vncproxy_{name}", labels)

    def test_redis_operations_are_timed_and_failures_counted(self) -> None:
        self.calls.redis_operation("redeem", 0.002, False)
        self.assertEqual(self.value("redis_errors_total", operation="redeem"), 0)
        self.calls.redis_operation("redeem", 1.5, True)

        self.assertEqual(self.value("redis_operation_seconds_count", operation="redeem"), 2)
        self.assertEqual(self.value("redis_operation_seconds_sum", operation="redeem"), 1.502)
        self.assertEqual(self.value("redis_errors_total", operation="redeem"), 1)

    def test_steps_to_a_console_are_timed_and_failures_counted_by_their_code(self) -> None:
        self.calls.backend_step("kvm", "locate", 0.02, "")
        self.calls.backend_step("kvm", "connect", 5.0, "upstream-unreachable")

        self.assertEqual(self.value("backend_seconds_count", backend="kvm", step="locate"), 1)
        self.assertEqual(self.value("backend_seconds_sum", backend="kvm", step="connect"), 5)
        failed = {"backend": "kvm", "step": "connect", "reason": "upstream-unreachable"}
        self.assertEqual(self.value("backend_errors_total", **failed), 1)

    def test_backends_that_tokens_of_others_name_take_no_memory_each(self) -> None:
        for number in range(MAX_BACKENDS + 50):
            self.calls.backend_step(f"b{number}", "locate", 0.1, "vm-not-found")

        count = self.value("backend_seconds_count", backend=OTHER, step="locate")
        self.assertEqual(count, 50)
        text = generate_latest(self.registry).decode()
        self.assertNotIn(f"b{MAX_BACKENDS}", text)

    def test_answers_of_the_api_are_counted_by_route_and_class_of_status(self) -> None:
        self.calls.api_answer("/v1/tokens", "POST", 201, 0.01)
        self.calls.api_answer("/v1/tokens", "POST", 200, 0.02)

        labels = {"route": "/v1/tokens", "method": "POST", "status": "2xx"}
        self.assertEqual(self.value("api_requests_total", **labels), 2)
        self.assertEqual(self.value("api_request_seconds_sum", route="/v1/tokens"), 0.03)

    def test_each_method_of_the_api_is_counted_by_its_name(self) -> None:
        for method in ("GET", "HEAD", "POST", "PATCH", "DELETE"):
            self.calls.api_answer("/v1/sessions/<session_id>", method, 200, 0.001)
            labels = {"route": "/v1/sessions/<session_id>", "method": method, "status": "2xx"}
            self.assertEqual(self.value("api_requests_total", **labels), 1)

    def test_unknown_routes_and_methods_share_their_label_values(self) -> None:
        for number in range(50):
            self.calls.api_answer("", f"METHOD{number}", 404, 0.001)

        labels = {"route": "other", "method": "other", "status": "4xx"}
        self.assertEqual(self.value("api_requests_total", **labels), 50)
