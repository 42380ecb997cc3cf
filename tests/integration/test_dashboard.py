"""The operator's dashboard in Chromium, at one of two proxies over one Redis."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.components.accessibility import findings
from tests.components.chromium import browser
from tests.components.cluster_case import ClusterCase
from tests.components.viewer import Refused

KEY = "key-of-the-operator"
KEYS = f"""
[api.keys.operator]
hash = "sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"
scopes = ["admin", "shadow", "keys", "review"]
[recording]
directory = "{{folder}}"
"""
HOSTILE = '<img src=x onerror="document.title=1">\u05d0\u05d1'
SLOWEST = 60.0

IMPORT = "import('./static/dashboard/{}').then(async (m) => {}).then(done, (e) => done(String(e)))"
PARSE_BYTE_BY_BYTE = """{
    const events = 'event: proxies\\ndata: {"a": "é\\\\n: b"}\\n\\nevent: end\\ndata: {}\\n\\n';
    const bytes = new TextEncoder().encode(':\\n\\n' + events);
    const source = new ReadableStream({ start(controller) {
        bytes.forEach((each) => controller.enqueue(Uint8Array.of(each)));
        controller.close();
    } });
    const found = [];
    for await (const event of m.parse(source)) { found.push(event); }
    return found;
}"""


class DashboardTests(ClusterCase):
    """The proxies are north, whose dashboard is open, and south, where the users are."""

    def setUp(self) -> None:
        super().setUp()
        config = KEYS.format(folder=self.folder)
        self.north, self.south = self.proxies_at_once(north=config, south=config)
        self.driver: Any = browser()
        self.driver.set_window_size(1280, 800)
        self.addCleanup(self.driver.get, "about:blank")
        self.driver.get_log("browser")

    def test_an_operator_sees_messages_ends_and_drains_at_another_proxy(self) -> None:
        self.open_console_page()
        self.open(self.south, user=HOSTILE)
        self.enter(KEY)
        self.see_hostile_names()
        self.filter_by_user()
        self.send_a_message()
        self.watch_a_session()
        self.end_a_session()
        self.drain_south()
        self.see_what_was_refused()
        self.watch_a_recording()
        self.read_events_in_pieces()
        self.assertEqual(self.problems(), [])
        self.lose_the_key()

    # steps

    def open_console_page(self) -> None:
        """Let alice open a console in another tab, at south."""
        self.console = self.driver.current_window_handle
        self.driver.get(
            self.south.issue("lab/web-01", user="alice", policy={"record": True})["url"]
        )
        self.wait(lambda: self.js("return document.body.dataset.state"), "connected")
        self.driver.switch_to.new_window("tab")
        self.dashboard = self.driver.current_window_handle
        self.addCleanup(self.close_tab)

    def close_tab(self) -> None:
        self.driver.switch_to.window(self.dashboard)
        self.driver.close()
        self.driver.switch_to.window(self.console)

    def enter(self, key: str) -> None:
        self.driver.get(f"http://127.0.0.1:{self.north.api_port}/")
        self.wait(lambda: self.shows("key"), True)
        self.assertEqual(findings(self.driver), [])
        self.find("#key").send_keys(key, Keys.ENTER)
        self.wait(lambda: self.text("#state"), "Live")
        self.assertNotIn(key, self.driver.current_url + self.js("return document.cookie"))

    def see_hostile_names(self) -> None:
        self.wait(lambda: sorted(self.users()), sorted(["alice", HOSTILE]))
        self.assertEqual(self.js("return document.querySelectorAll('img').length"), 0)

    def filter_by_user(self) -> None:
        self.assertEqual(findings(self.driver), [])
        self.find("[name=user]").send_keys("alice", Keys.ENTER)
        self.wait(self.users, ["alice"])
        self.find("[name=client]").send_keys("192.0.2.9", Keys.ENTER)
        self.wait(self.users, [])
        self.find("#session-filter [type=reset]").click()
        self.wait(lambda: len(self.users()), 2)

    def send_a_message(self) -> None:
        self.act("alice", "Message")
        self.find("#dialog textarea").send_keys("Save your work, <b>now</b>.")
        self.find("#dialog-run").click()
        self.wait(lambda: "shows the message" in self.text("#dialog-fields"), True)
        self.find("#dialog-cancel").click()
        self.driver.switch_to.window(self.console)
        said = "Message from the operator: Save your work, <b>now</b>."
        self.wait(lambda: self.text(".notice .text"), said)
        self.driver.switch_to.window(self.dashboard)

        self.act(HOSTILE, "Message")
        self.find("#dialog textarea").send_keys("Hello")
        self.find("#dialog-run").click()
        self.wait(lambda: "cannot show messages" in self.text("#dialog-fields"), True)
        self.find("#dialog-cancel").click()

    def watch_a_session(self) -> None:
        self.act("alice", "Watch")
        url = self.make_link()
        token_id = hashlib.sha256(url.partition("token=")[2].encode()).hexdigest()
        token = self.ask("GET", f"/v1/tokens/{token_id}")
        self.assertEqual((token["policy"]["mode"], token["joins"]["kind"]), ("view-only", "shadow"))
        self.assertEqual(self.north.audit_of("api-shadow")["key"], "operator")

    def make_link(self) -> str:
        """Give a name in the dialog, and return the address of the link that is made."""
        name = self.find("#dialog-fields input")
        if not name.get_attribute("value"):
            name.send_keys("Olga Operator")
        self.find("#dialog-run").click()
        self.wait(lambda: len(self.all("#dialog-fields a")), 1)
        link = self.find("#dialog-fields a")
        self.assertEqual(link.get_attribute("rel"), "noopener noreferrer")
        url = str(link.get_attribute("href"))
        self.find("#dialog-cancel").click()
        return url

    def watch_a_recording(self) -> None:
        self.find("[data-view=recordings]").click()
        self.wait(lambda: self.texts("#recording-table td:nth-child(2)"), ["alice"])
        self.find("#recording-table button").click()
        self.assertRegex(
            self.make_link(), "^http://127.0.0.1:[0-9]+/recordings/[0-9a-f]{16}[?]token="
        )
        self.assertEqual(self.north.audit_of("api-recording-link")["reviewer"], "Olga Operator")

    def end_a_session(self) -> None:
        self.act("alice", "End")
        self.assertEqual(self.focus(), "INPUT")
        self.assertEqual(findings(self.driver), [])
        self.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        self.wait(lambda: self.shows("dialog"), False)
        self.assertEqual(len(self.users()), 2)

        self.act("alice", "End")
        self.find("#dialog-run").click()
        self.wait(self.users, [HOSTILE])
        self.assertEqual(self.south.audit_of("close")["reason"], "ended-by-administrator")

    def drain_south(self) -> None:
        self.find("[data-view=proxies]").click()
        self.wait(lambda: self.texts("#proxy-table td:nth-child(2)"), ["Serving"] * 2)
        self.assertEqual(findings(self.driver), [])
        self.find("#proxy-table tr:nth-child(2) button").click()
        self.assertIn("south", self.text("#dialog-title"))
        self.find("#dialog-run").click()
        states = ["Serving", "Draining: takes no new sessions"]
        self.wait(lambda: self.texts("#proxy-table td:nth-child(2)"), states)

    def see_what_was_refused(self) -> None:
        self.assertRaises(Refused, self.view, self.north, "no-such-token" + "0" * 30)
        self.find("[data-view=refusals]").click()
        self.wait(lambda: self.texts("#refusal-table td:nth-child(1)"), ["token-unknown"])
        self.assertEqual(findings(self.driver), [])
        self.assertEqual(self.texts("#refusal-table td:nth-child(2)"), ["1"])

    def read_events_in_pieces(self) -> None:
        script = "const done = arguments[0]; " + IMPORT.format("events.js", PARSE_BYTE_BY_BYTE)
        expected = [["proxies", {"a": "é\n: b"}], ["end", {}]]
        self.assertEqual(self.driver.execute_async_script(script), expected)

    def lose_the_key(self) -> None:
        """Work with a key that can only read, and is revoked."""
        made = self.ask("POST", "/v1/keys", {"name": "reader", "scopes": ["read"]})
        self.find("#forget").click()
        self.enter(made["key"])
        self.wait(self.users, [HOSTILE])
        self.assertEqual(self.texts("#session-table button"), [])
        self.assertIn("scope admin", self.text("#session-rights"))
        self.assertEqual(self.texts("#tabs a"), ["Sessions", "Proxies", "Refusals", "Tokens"])
        self.ask("DELETE", f"/v1/keys/{made['id']}")
        self.wait(lambda: self.text("#key-problem"), "The API key is not known.")
        self.assertEqual(self.js("return JSON.stringify(sessionStorage).includes('key-of')"), False)

    # what is seen

    def act(self, user: str, action: str) -> None:
        """Press a button in the row of a user's session."""
        (row,) = [row for row in self.all("#session-table tbody tr") if user in row.text]
        (button,) = [b for b in row.find_elements(By.TAG_NAME, "button") if b.text == action]
        button.click()
        self.wait(lambda: self.shows("dialog"), True)

    def users(self) -> list[str]:
        return self.texts("#session-table td:first-child")

    def wait(self, get: Callable[[], object], expected: object) -> None:
        give_up, value = time.monotonic() + SLOWEST, None
        while time.monotonic() < give_up:
            try:
                value = get()
            except StaleElementReferenceException:
                continue
            if value == expected:
                return
            time.sleep(0.05)
        self.fail(f"{value!r} instead of {expected!r}: {self.text('body')[:2000]}")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        key, self.north.key = self.north.key, KEY
        try:
            return self.north.call(method, path, body)[1]
        finally:
            self.north.key = key

    def problems(self) -> list[str]:
        """Return the warnings and errors in the browser's console."""
        log = self.driver.get_log("browser")
        return [each["message"] for each in log if each["level"] in ("WARNING", "SEVERE")]

    def focus(self) -> str:
        return str(self.js("return document.activeElement.tagName"))

    def js(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> Any:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def shows(self, name: str) -> bool:
        return bool(self.find(f"#{name}").is_displayed())

    def text(self, selector: str) -> str:
        found = self.all(selector)
        return str(found[0].text) if found else ""

    def texts(self, selector: str) -> list[str]:
        return [each.text for each in self.all(selector) if each.is_displayed()]
