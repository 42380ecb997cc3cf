"""OpenStack's clients in an environment of their own, which ``make test`` makes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PYTHON = Path(sys.prefix) / "openstack" / "bin" / "python"
PROGRAMS = Path(__file__).with_name("openstack_programs.py")


def run_clients(*jobs: tuple[str, ...]) -> list[Any]:
    """Run jobs of ``openstack_programs``, one after the other; returns their results."""
    if not PYTHON.exists():
        raise FileNotFoundError(f"{PYTHON}: make test installs OpenStack's clients there")
    done = subprocess.run(
        [str(PYTHON), str(PROGRAMS)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        timeout=240,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    results: list[Any] = json.loads(done.stdout)
    return results
