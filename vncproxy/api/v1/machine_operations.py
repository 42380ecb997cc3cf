"""The requests about machines: list, start and stop, look at."""

from __future__ import annotations

from ...answers import MachineList, Powered
from ...config.scope import Scope
from .operation import Operation
from .parameters import (
    CURSOR,
    FORMAT,
    HEIGHT,
    HOPS,
    ONE_VM,
    QUALITY,
    WIDTH,
)
from .power import PowerRequest
from .problems import (
    ASKING_ZONES,
    BACKEND_ERROR,
    MACHINE_UNKNOWN,
    NOT_INSTALLED,
    POWER_DENIED,
    POWER_STATE,
    POWER_UNSUPPORTED,
    SCREEN_REFUSED,
    STORE_UNAVAILABLE,
)

LIST_MACHINES = Operation(
    "listMachines",
    "GET",
    "/v1/vms",
    MachineList,
    "List the machines of all backends.",
    scopes=(Scope.READ,),
)
POWER = Operation(
    "power",
    "POST",
    "/v1/power",
    Powered,
    "Start, stop or reset a machine.",
    "The status is 202 where the guest or the hypervisor was asked and does it later. After a 502,"
    " look whether it was done. The machine's backend needs `power = true`.",
    scopes=(Scope.POWER,),
    body=PowerRequest,
    repeats=True,
    later=True,
    causes=(
        MACHINE_UNKNOWN,
        POWER_STATE,
        POWER_UNSUPPORTED,
        POWER_DENIED,
        BACKEND_ERROR,
        STORE_UNAVAILABLE,
        *ASKING_ZONES,
    ),
)
SCREENSHOT = Operation(
    "showScreen",
    "GET",
    "/v1/screenshot",
    str,
    "Show a machine's screen as an image.",
    "It is a few seconds old at most; the proxy opens the console for it, as a session does.",
    scopes=(Scope.SCREENSHOT,),
    query=(ONE_VM, FORMAT, QUALITY, WIDTH, HEIGHT, CURSOR, HOPS),
    tagged=True,
    media_type="image/*",
    causes=(*SCREEN_REFUSED, NOT_INSTALLED),
)
