from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from vncproxy.config.check.asking import TIME_LIMIT
from vncproxy.config.check.run import Finding, check, render
from vncproxy.config.settings import BackendTable, Listen, Settings, Tokens
from vncproxy.errors import BackendError, StoreUnavailable
from vncproxy.interfaces import IHasWarnings, IKnowsConsoles, IMayForget, IPointsElsewhere
from vncproxy.model import ConsoleEndpoint


class Answers:
    """A backend and a store in one, whose answers a test sets."""

    def __init__(self, answer: str | BaseException | Deferred[str]) -> None:
        self._answer = answer

    async def probe(self) -> str:
        if isinstance(self._answer, BaseException):
            raise self._answer
        if isinstance(self._answer, Deferred):
            return await self._answer
        return self._answer

    def ping(self) -> Awaitable[str]:
        return self.probe()


@implementer(IHasWarnings)
class Careless(Answers):
    """A backend that answers and warns."""

    def warnings(self) -> list[str]:
        return ["web: anybody in the middle"]


@implementer(IPointsElsewhere)
class Cloud(Answers):
    """A backend that leaves machines to another one."""

    def elsewhere(self) -> list[str]:
        return ["vsphere"]


@implementer(IMayForget)
class Forgetful(Answers):
    """A store with warnings about its durability, or without an answer."""

    def __init__(self, losses: Sequence[str] | Exception | Deferred[Sequence[str]]) -> None:
        super().__init__("redis 7")
        self._losses = losses

    async def losses(self) -> Sequence[str]:
        if isinstance(self._losses, Exception):
            raise self._losses
        return await self._losses if isinstance(self._losses, Deferred) else self._losses


@implementer(IKnowsConsoles)
class Table(Answers):
    """A backend whose consoles can be listed, or not."""

    def __init__(self, answer: str, consoles: Any) -> None:
        super().__init__(answer)
        self._consoles = consoles

    async def consoles(self) -> Mapping[str, ConsoleEndpoint]:
        if isinstance(self._consoles, Exception):
            raise self._consoles
        if isinstance(self._consoles, Deferred):
            self._consoles = await self._consoles
        return dict(self._consoles)


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()

    def start(self, settings: Settings, backends: Any, store: Any) -> Deferred[list[Finding]]:
        return Deferred.fromCoroutine(
            check(settings, backends, store, self.reactor, now=lambda: 0.0)
        )

    def check(
        self, settings: Settings | None = None, backends: Any = None, store: Any = None
    ) -> dict[str, Finding]:
        fired = self.start(
            settings or Settings(), backends or {}, store or Answers("memory, 0 tokens")
        )
        return {finding.what: finding for finding in self.successResultOf(fired)}

    def test_how_the_store_may_forget_is_told_beside_its_answer(self) -> None:
        settings = Settings(tokens=Tokens(store="redis"))
        fired = self.start(settings, {}, Forgetful(["it saves in intervals; set appendonly"]))

        told = [str(each) for each in self.successResultOf(fired) if each.what == "store redis"]

        self.assertEqual(
            told,
            [
                "ok    store redis: redis 7",
                "warn  store redis: it saves in intervals; set appendonly",
            ],
        )

    def test_store_that_does_not_say_how_it_may_forget_fails_nothing(self) -> None:
        for losses in (StoreUnavailable("denied"), Deferred[Sequence[str]]()):
            fired = self.start(Settings(), {}, Forgetful(losses))
            self.reactor.advance(TIME_LIMIT)
            self.assertTrue(
                all(each.ok for each in self.successResultOf(fired) if "store" in each.what)
            )

    def test_what_a_backend_warns_of_is_told_beside_its_answer(self) -> None:
        fired = self.start(Settings(), {"lab": Careless("1 console")}, Answers("memory"))

        told = [str(each) for each in self.successResultOf(fired) if each.what == "backend lab"]

        self.assertEqual(
            told, ["ok    backend lab: 1 console", "warn  backend lab: web: anybody in the middle"]
        )

    def test_consoles_of_a_backend_that_breaks_or_hangs_are_its_own_failure(self) -> None:
        broken = Table("1 console", KeyError("a defect"))
        hanging = Table("1 console", Deferred[Mapping[str, ConsoleEndpoint]]())
        backends = {"broken": broken, "hanging": hanging, "empty": Table("0 consoles", {})}
        fired = self.start(Settings(), backends, Answers("memory"))
        self.reactor.advance(TIME_LIMIT)

        told = [str(each) for each in self.successResultOf(fired) if not each.ok]

        self.assertEqual(
            [line.partition(";")[0] for line in told],
            [
                "FAIL  backend broken: it fails with KeyError",
                "FAIL  backend hanging: no answer within 10 seconds",
            ],
        )
        self.flushLoggedErrors(KeyError)

    def test_a_backend_that_refers_to_a_missing_backend_is_reported(self) -> None:
        backends: dict[str, Answers] = {"one": Cloud("OpenNebula 6.10")}
        told = self.successResultOf(self.start(Settings(), backends, Answers("memory")))
        self.assertEqual(
            [str(each) for each in told if not each.ok],
            [
                "FAIL  backend one: leaves machines to 'vsphere'; write [backends.vsphere], or "
                "[zones.vsphere]"
            ],
        )
        backends["vsphere"] = Answers("vCenter 8")
        told = self.successResultOf(self.start(Settings(), backends, Answers("memory")))
        self.assertTrue(all(each.ok for each in told))

    def test_settings_that_refer_to_a_missing_backend_are_reported(self) -> None:
        class Cloudy(BaseModel):
            def other_backends(self) -> list[str]:
                return ["vsphere"]

        table = BackendTable("cloudy", Cloudy())
        settings = Settings().model_copy(update={"backends": {"one": table}})
        found = self.check(settings, {"one": Answers("a cloud")})
        self.assertEqual(
            str(found["backend one"]),
            "FAIL  backend one: leaves machines to 'vsphere'; write [backends.vsphere], or "
            "[zones.vsphere]",
        )

    def test_the_answer_of_the_store_is_told(self) -> None:
        finding = self.check(Settings(tokens=Tokens(store="redis")), store=Answers("redis 7"))
        self.assertEqual(str(finding["store redis"]), "ok    store redis: redis 7")

    def test_a_store_that_does_not_answer_fails_with_its_reason(self) -> None:
        settings = Settings(tokens=Tokens(store="redis"))
        store = Answers(StoreUnavailable("127.0.0.1:6379: connection refused"))
        finding = self.check(settings, store=store)["store redis"]
        self.assertEqual(finding.text, "127.0.0.1:6379: connection refused")
        self.assertEqual(finding.advice, "mend that, or correct [redis]")

    def test_every_backend_has_its_own_line(self) -> None:
        backends = {"kvm": Answers("3 machines"), "esx": Answers(BackendError("login refused"))}
        findings = self.check(backends=backends)
        self.assertEqual(str(findings["backend kvm"]), "ok    backend kvm: 3 machines")
        self.assertEqual(
            str(findings["backend esx"]),
            "FAIL  backend esx: login refused; mend that, or correct [backends.esx]",
        )
        self.assertNotIn("backends", findings)

    def test_a_backends_own_advice_is_enough(self) -> None:
        backends = {"kvm": Answers(BackendError("no socket; is libvirtd running there?"))}
        finding = self.check(backends=backends)["backend kvm"]
        self.assertEqual(str(finding), "FAIL  backend kvm: no socket; is libvirtd running there?")

    def test_a_backend_that_hangs_fails_after_the_time_limit(self) -> None:
        backends = {"slow": Answers(Deferred()), "kvm": Answers("3 machines")}
        fired = self.start(Settings(), backends, Answers("memory"))
        self.assertNoResult(fired)
        self.reactor.advance(TIME_LIMIT)
        findings = {finding.what: finding for finding in self.successResultOf(fired)}
        self.assertEqual(findings["backend slow"].text, "no answer within 10 seconds")
        self.assertTrue(findings["backend kvm"].ok)

    def test_those_that_hang_are_waited_for_together(self) -> None:
        backends = {name: Answers(Deferred()) for name in "abc"}
        fired = self.start(Settings(), backends, Answers(Deferred()))
        self.reactor.advance(TIME_LIMIT)
        self.successResultOf(fired)

    def test_a_fault_in_a_backend_is_one_line_and_logged(self) -> None:
        findings = self.check(backends={"toy": Answers(KeyError("horse"))})
        self.assertEqual(findings["backend toy"].text, "it fails with KeyError")
        self.assertFalse(findings["backend toy"].ok)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_no_backends_are_a_warning(self) -> None:
        finding = self.check()["backends"]
        self.assertTrue(finding.ok and finding.warning)

    def test_every_listener_and_certificate_has_its_own_line(self) -> None:
        listen = Listen(
            web=("tcp:1", "ssl:2:privateKey=/nowhere.pem"),
            xvp=(),
            api=("tcp:3",),
            rfb_certificate="/viewers.pem",
            rfb=("tcp:4",),
        )
        findings = self.check(Settings(listen=listen))
        self.assertLessEqual(
            {
                "listen tcp:1",
                "listen ssl:2:privateKey=/nowhere.pem",
                "listen tcp:3",
                "listen tcp:4",
                "certificate /nowhere.pem",
                "certificate /viewers.pem",
            },
            set(findings),
        )


class RenderTests(SynchronousTestCase):
    def test_each_finding_is_a_line_with_what_to_do(self) -> None:
        self.assertEqual(
            render(
                [
                    Finding("store", True, "redis 7"),
                    Finding("api.keys", True, "none", "make one", warning=True),
                    Finding("page", False, "not installed", "install npm"),
                ]
            ),
            "ok    store: redis 7\nwarn  api.keys: none; make one\nFAIL  page: not installed;"
            " install npm",
        )
