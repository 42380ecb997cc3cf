"""How a supervisor is put together from the settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import _exit as exit_at_once
from pathlib import Path
from typing import Any

from ..config.settings import Settings
from ..errors import ConfigurationError
from ..model import new_id
from ..service.log_file import ProcessLog
from ..service.notify import Notifier
from .launching import Launcher
from .sockets import ListeningSockets, endpoints_of
from .supervisor import Supervisor


def make_supervisor(
    settings: Settings,
    path: Path,
    arguments: Sequence[str],
    make_proxy: Callable[[], object],
    process_options: Mapping[str, Any],
    reactor: Any,
) -> Supervisor:
    """Return the supervisor as a service.

    Args:
        path: the configuration file.
        arguments: the command line for workers.
        make_proxy: makes the whole proxy; it is called in a process of its own, so that errors in
            certificates and keys are known at once while the supervisor never holds them.
        process_options: of ``twistd`` or ``twist``; they name the log file of the process.

    Raises:
        ConfigurationError: a file cannot be used, or systemd has not passed a socket.
        SystemExit: the proxy cannot be made; why has been printed.
    """
    _check_in_another_process(make_proxy)
    sockets = ListeningSockets(endpoints_of(settings.listen), reactor)
    make_launcher = partial(Launcher, new_id(), arguments, sockets, reactor)
    log_file = ProcessLog(process_options)
    workers = settings.proxy.worker_count()
    return Supervisor(path, workers, sockets, make_launcher, log_file, Notifier(), reactor)


def _check_in_another_process(make_proxy: Callable[[], object]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if not process:
        exit_at_once(_status_of(make_proxy))
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status:
        raise SystemExit(status)


def _status_of(make_proxy: Callable[[], object]) -> int:
    try:
        make_proxy()
    except ConfigurationError as e:
        print(e.detail, file=sys.stderr, flush=True)
        return 2
    except BaseException as e:  # noqa: BLE001 the process must not go on
        print(f"{type(e).__name__}: {e}", file=sys.stderr, flush=True)
        return 1
    return 0
