"""Headless Firefox, driven by Marionette, its own protocol, as such or by Selenium's commands."""

from __future__ import annotations

import atexit
import functools
import shutil
from typing import Any

from marionette_driver.errors import MarionetteException
from marionette_driver.marionette import Marionette
from selenium.webdriver import FirefoxOptions, Remote
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.remote_connection import RemoteConnection

FIREFOX = "/usr/bin/firefox-esr"
TIME_LIMIT = 60.0
"""Seconds after which an asynchronous script or the loading of a page is given up."""


def firefox(*hosts: str) -> Any:
    """Start a Firefox that finds these hosts on this machine and takes any certificate."""
    if shutil.which(FIREFOX) is None:
        raise FileNotFoundError(f"{FIREFOX} not installed; make test installs it")
    preferences = {
        "network.dns.localDomains": ",".join(hosts),
        "network.proxy.type": 0,
        "app.update.disabledForTesting": True,
        "datareporting.policy.dataSubmissionEnabled": False,
    }
    driver = Marionette(bin=FIREFOX, headless=True, prefs=preferences)
    driver.start_session({"acceptInsecureCerts": True, "unhandledPromptBehavior": "accept"})
    return driver


@functools.cache
def firefox_browser() -> Any:
    """Start the Firefox that all tests of this process share; it takes Selenium's commands."""
    marionette = firefox()
    atexit.register(marionette.cleanup)
    driver = _Driver(_Commands(marionette), options=FirefoxOptions())
    driver.set_script_timeout(TIME_LIMIT)
    driver.set_page_load_timeout(TIME_LIMIT)
    return driver


GET_LOG = "getLog"
"""The command of Chromium's driver for the messages of pages."""

NAMES = {
    Command.GET: "Navigate",
    Command.REFRESH: "Refresh",
    Command.GET_CURRENT_URL: "GetCurrentURL",
    Command.GET_TITLE: "GetTitle",
    Command.SET_TIMEOUTS: "SetTimeouts",
    Command.SET_WINDOW_RECT: "SetWindowRect",
    Command.GET_WINDOW_RECT: "GetWindowRect",
    Command.DELETE_ALL_COOKIES: "DeleteAllCookies",
    Command.SWITCH_TO_FRAME: "SwitchToFrame",
    Command.SCREENSHOT: "TakeScreenshot",
    Command.W3C_EXECUTE_SCRIPT: "ExecuteScript",
    Command.W3C_EXECUTE_SCRIPT_ASYNC: "ExecuteAsyncScript",
    Command.W3C_ACTIONS: "PerformActions",
    Command.W3C_CLEAR_ACTIONS: "ReleaseActions",
    Command.W3C_GET_ACTIVE_ELEMENT: "GetActiveElement",
    Command.FIND_ELEMENT: "FindElement",
    Command.FIND_ELEMENTS: "FindElements",
    Command.CLICK_ELEMENT: "ElementClick",
    Command.CLEAR_ELEMENT: "ElementClear",
    Command.SEND_KEYS_TO_ELEMENT: "ElementSendKeys",
    Command.GET_ELEMENT_TEXT: "GetElementText",
    Command.GET_ELEMENT_ATTRIBUTE: "GetElementAttribute",
}
"""Selenium's commands, and those of Marionette for them."""

COMPLAINTS = """
    const messages = Services.console.getMessageArray();
    Services.console.reset();
    return messages.filter((each) => each instanceof Ci.nsIScriptError)
        .filter((each) => /^(https?|wss?):/.test(each.sourceName)
            || each.category === "Content Security Policy"
            || each.category === "CSP")
        .map((each) => ({
            level: each.flags & Ci.nsIScriptError.warningFlag ? "WARNING" : "SEVERE",
            message: `${each.sourceName} ${each.lineNumber} ${each.errorMessage}`,
        }));
"""


class _Driver(Remote):
    def get_log(self, log_type: str) -> Any:
        """Return warnings and errors of pages since the last call, as Chromium's driver does."""
        return self.execute(GET_LOG, {"type": log_type})["value"]


class _Commands(RemoteConnection):
    """Hands Selenium's commands to Marionette, as geckodriver does, which is no Debian package."""

    def __init__(self, marionette: Any) -> None:
        super().__init__("http://marionette.invalid")
        self.marionette = marionette

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform a command; errors of WebDriver are returned with its error code."""
        if command == Command.NEW_SESSION:
            found = self.marionette
            return {"value": {"sessionId": found.session_id, "capabilities": found.session}}
        if command == GET_LOG:
            return {"value": self._complaints()}
        if command == Command.SCREENSHOT:
            params = {"full": False}
        try:
            return {"value": self._send(NAMES[command], params)}
        except MarionetteException as e:
            return {"status": e.status, "value": {"error": e.status, "message": str(e)}}

    def _send(self, name: str, params: dict[str, Any]) -> Any:
        sent = {key: value for key, value in params.items() if key != "sessionId"}
        message = self.marionette.client.request(f"WebDriver:{name}", sent)
        if message.error:
            self.marionette._handle_error(message.error)
        result = message.result
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def _complaints(self) -> Any:
        with self.marionette.using_context("chrome"):
            return self.marionette.execute_script(COMPLAINTS)
