"""A floppy with GRUB and its menu, made of Debian's packages."""

from __future__ import annotations

import subprocess
from pathlib import Path

BOOT = Path("/usr/lib/grub/i386-pc/boot.img")
MODULES = "normal echo sleep serial terminal"
SIZE = 1474560

MENU = """\
set timeout=-1
serial --unit=0
terminal_output console serial
menuentry "Start" {
    echo started
    sleep 3600
}
menuentry "Install" {
    echo installed with
    sleep 3600
}
"""


def boot_menu(folder: Path) -> bytes:
    """Return the image of a floppy whose menu waits for a key."""
    menu, core = folder / "grub.cfg", folder / "core.img"
    menu.write_text(MENU)
    command = ["grub-mkstandalone", "-O", "i386-pc", "-o", str(core)]
    command += [f"--install-modules={MODULES}", f"--modules={MODULES}"]
    command += ["--locales=", "--fonts=", "--themes=", f"boot/grub/grub.cfg={menu}"]
    subprocess.run(command, check=True, capture_output=True)
    return (BOOT.read_bytes() + core.read_bytes()).ljust(SIZE, b"\0")
