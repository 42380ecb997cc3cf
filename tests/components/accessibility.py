"""npm's axe-core, which finds what people cannot read or use in a page; see ``axe/``."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.components.npm_packages import install_package

HERE = Path(__file__).with_name("axe")
INSTALLED = Path(sys.prefix) / "axe"
RUN = """
    const [rules, done] = arguments;
    const options = { resultTypes: ["violations"], ...(rules.length && { runOnly: rules }) };
    axe.run(document, options).then(
        ({ violations }) => done(violations.flatMap(({ id, help, nodes }) => nodes.map(
            ({ html, any }) => `${id}: ${help}: ${html.slice(0, 160)} ${any[0]?.message ?? ""}`,
        ))),
        (error) => done([String(error)]),
    );
"""


PHONE = {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True}
ON_PHONE = ("color-contrast", "scrollable-region-focusable", "label-content-name-mismatch")
"""What axe looks for in dark on a small phone, besides all that it knows in light."""


@cache
def _source() -> str:
    folder = install_package(HERE, INSTALLED)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def findings(driver: Any) -> list[str]:
    """Return what axe finds in Chromium's page as it is now, in light, and in dark on a phone."""
    if not driver.execute_script("return Boolean(window.axe)"):
        driver.execute_script(_source())
    _show(driver, "light")
    found: list[str] = driver.execute_async_script(RUN, ())
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        _show(driver, "dark")
        found += driver.execute_async_script(RUN, ON_PHONE)
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        _show(driver, "light")
    return found


def _show(driver: Any, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


if __name__ == "__main__":
    install_package(HERE, INSTALLED)
