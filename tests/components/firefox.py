"""Headless Firefox, driven by Marionette, its own protocol."""

from __future__ import annotations

import shutil
from typing import Any

from marionette_driver.marionette import Marionette

FIREFOX = "/usr/bin/firefox-esr"


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
    driver.start_session({"acceptInsecureCerts": True})
    return driver
