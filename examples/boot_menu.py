"""Goes through the boot menu of a machine: chooses an entry, adds to its command, and boots it.

VNCPROXY_API_KEY=... python boot_menu.py kvm/web-01 2 "console=ttyS0"

The key needs the scopes `screenshot` and `type`. This is a GRUB with an entry "Install" below the
first one; the command line of the kernel is the third line of an entry.
"""

from __future__ import annotations

import os
import sys

from vncproxy.client import Client

API = os.environ.get("VNCPROXY_API", "http://127.0.0.1:6082")


def press(console: Client, vm: str, screen: str, *keys: object) -> str:
    """Press keys, and wait until the screen is another one and still; returns its digest."""
    console.type_keys(vm, keys=keys)  # type: ignore[arg-type]
    seen = console.wait_screen(vm, changed_from=screen, timeout=60)
    if not (seen["stable"] and seen["changed"]):
        raise SystemExit(f"{keys} changed nothing that lasts: {seen}")
    return seen["digest"]


def boot(console: Client, vm: str, line: int, option: str) -> None:
    """Boot the second entry of a menu with one more option in a line of its commands."""
    menu = console.wait_screen(vm, timeout=120)
    if not menu["stable"]:
        raise SystemExit(f"there is no menu: {menu}")
    chosen = press(console, vm, menu["digest"], "down")
    editor = press(console, vm, chosen, "e")
    edited = press(console, vm, editor, *["down"] * line, "end", {"text": f" {option}"})
    press(console, vm, edited, "ctrl+x")


if __name__ == "__main__":
    machine, number, words = sys.argv[1:]
    with Client(API, os.environ["VNCPROXY_API_KEY"]) as client:
        boot(client, machine, int(number), words)
