"""HAProxy's configuration: TCP mode, one thread, no log."""

from __future__ import annotations

from dataclasses import dataclass

_HEAD = """
global
    maxconn {sessions}
    nbthread 1
{tuning}
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
{options}
"""
_SECTION = """
listen {vm}
    bind 127.0.0.1:{port}
    server fake 127.0.0.1:{target}
"""


@dataclass(frozen=True)
class Options:
    """What differs between the ones measured.

    Attributes:
        buffer: bytes of each buffer; 0 leaves the default, 16 KiB.
        splice: whether the kernel may move the bytes.
    """

    buffer: int = 0
    splice: bool = False


def config(ports: dict[str, int], targets: dict[str, int], options: Options) -> str:
    """Return a configuration with one listener per machine."""
    tuning = f"    tune.bufsize {options.buffer}\n" if options.buffer else ""
    if options.splice:
        tuning += f"    tune.pipesize {options.buffer}\n"
    head = _HEAD.format(
        sessions=2000 if options.splice else 9800,  # a spliced one needs pipes, too
        tuning=tuning,
        options="    option splice-auto\n" if options.splice else "",
    )
    sections = (_SECTION.format(vm=vm, port=port, target=targets[vm]) for vm, port in ports.items())
    return head + "".join(sections)
