"""RFC 6455 as kosoku's cases, which are those of the Autobahn test suite, see it.

Left out everywhere: 9.* measures speed, 12.* and 13.* are about compression, which is not spoken.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from tests.components.echo_endpoint import MessageEcho, RelayEcho, upgrading
from vncproxy.relay import fast, plain

Results = dict[str, dict[str, Any]]

TEXT_CASES = {
    *("1.1.1", "1.1.2", "1.1.3", "1.1.4", "1.1.5", "1.1.6", "1.1.7", "1.1.8"),
    *("5.3", "5.4", "5.5", "5.6", "5.7", "5.8", "5.19", "5.20", "7.1.1", "7.1.5"),
}
"""They send valid text and expect it back: the relay refuses text."""

TEXT_FIRST = {"3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"}
"""They send valid text before what they are about, which the suite takes as not strict."""

NO_VERDICT = {"7.1.6", "7.13.1", "7.13.2"}
"""Any behaviour is allowed by the suite."""

NOT_FOR_A_STREAM = (
    "1.2.1",  # an empty message, which a stream of bytes does not have
    "1.2.8",  # a message that must come back in one piece
    *("2.10", "2.11"),  # each of ten pings is to be answered; RFC 6455 5.5.3 allows the newest only
)

INVALID_UTF8 = (
    *("6.3.*", "6.4.*", "6.6.1", "6.6.3", "6.6.4", "6.6.6", "6.6.8", "6.6.10", "6.8.*", "6.10.*"),
    "6.11.5",
    *("6.12.*", "6.13.*", "6.14.*", "6.15.*", "6.16.*", "6.17.*", "6.18.*", "6.19.*", "6.20.*"),
    "6.21.*",
)
"""Text that must be refused for its contents: no text is ever accepted."""


SHORTEST_LIMIT = 500
"""Milliseconds after which kosoku gives its first cases up; most have a second."""
LOOKS = 5
AS_IT_SHOULD_BE = {"OK", "INFORMATIONAL"}


def ran_out_of_time(result: dict[str, Any]) -> bool:
    """Return whether a case ended badly because of kosoku's fixed time limits."""
    how = {result["behavior"], result["behaviorClose"]}
    return bool(result["duration"] >= SHORTEST_LIMIT and not how <= AS_IT_SHOULD_BE)


class ConformanceTests(TestCase):
    timeout = 600

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="conformance-"))
        self.addCleanup(shutil.rmtree, self.folder)

    async def run_cases(self, port: int, include: Sequence[str], without: Sequence[str]) -> Results:
        """Return the results of cases: each is over before kosoku gives it up, or never is."""
        results = await self.run_once(port, include, without)
        for _ in range(LOOKS - 1):
            late = [case for case, result in results.items() if ran_out_of_time(result)]
            if not late:
                break
            results |= await self.run_once(port, late, ())
        return results

    async def run_once(self, port: int, include: Sequence[str], without: Sequence[str]) -> Results:
        """Run cases against a port; returns kosoku's index of results by case."""
        selection = [word for case in include for word in ("-i", case)]
        selection += [word for case in without for word in ("-x", case)]
        address = f"ws://127.0.0.1:{port}"
        kosoku = str(Path(sys.executable).with_name("kosoku"))
        out, err, _ = await getProcessOutputAndValue(
            kosoku, ["-m", "fuzzingclient", *selection, "-o", str(self.folder), address]
        )
        index = self.folder / "index.json"
        self.assertTrue(index.exists(), (out + err).decode())
        results: Results
        (results,) = json.loads(index.read_text()).values()
        return results

    def not_ok(self, results: Results) -> dict[str, str]:
        return {case: one["behavior"] for case, one in results.items() if one["behavior"] != "OK"}

    async def check_relay(self, join: Callable[..., Any]) -> None:
        echo = await RelayEcho(reactor, join).open()
        self.addCleanup(echo.close)

        results = await self.run_cases(
            echo.port, ("1.*", "2.*", "3.*", "4.*", "5.*", "7.*", "10.*"), NOT_FOR_A_STREAM
        )

        self.assertEqual(len(results), 98)
        self.assertEqual(
            self.not_ok(results),
            dict.fromkeys((*TEXT_CASES, "10.1.1"), "FAILED")
            | dict.fromkeys(TEXT_FIRST, "NON-STRICT")
            | dict.fromkeys(NO_VERDICT, "INFORMATIONAL"),
        )
        refused = {case: results[case]["remoteCloseCode"] for case in TEXT_CASES | TEXT_FIRST}
        self.assertEqual(refused, dict.fromkeys(refused, 1003))

    async def test_the_fast_relay(self) -> None:
        await self.check_relay(partial(fast.join, reactor=reactor))

    async def test_the_plain_relay(self) -> None:
        await self.check_relay(plain.join)

    async def test_the_framing_with_whole_messages_and_text(self) -> None:
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port: Any = await endpoint.listen(upgrading(MessageEcho))
        self.addCleanup(port.stopListening)

        results = await self.run_cases(
            port.getHost().port, (), ("9.*", "12.*", "13.*", *INVALID_UTF8)
        )

        self.assertEqual(self.not_ok(results), dict.fromkeys(NO_VERDICT, "INFORMATIONAL"))
        self.assertEqual(
            {one["behaviorClose"] for one in results.values()}, {"OK", "INFORMATIONAL"}
        )
        self.assertEqual(len(results), 172)
