"""Test doubles for authors of backends and other parts: small, real implementations.

They need no network and no threads; the server works on in-memory connections and on real sockets.
Every name is imported from here.

- `backend_contract`: `BackendContract`, the promises of every backend as tests.
- `consoles`: `StaticConsoles`, a backend over a dictionary.
- `powered`: `PoweredConsoles`, the same with machines that can be started and stopped.
- `blocking_calls`: `FakeCalls`, blocking calls without threads.
- `rfb_server`: `ScriptedRFBServer`, a VNC server that plays a script.
- `memory_peer`: `MemoryPeer`, the other end of a connection in memory.
"""

from .backend_contract import BackendContract, backend_context
from .blocking_calls import FakeCalls
from .consoles import StaticConsoles
from .memory_peer import MemoryPeer, carry
from .powered import PoweredConsoles
from .rfb_server import CHALLENGE, SERVER_INIT, ScriptedConnection, ScriptedRFBServer, rfb_script

__all__ = [
    "CHALLENGE",
    "SERVER_INIT",
    "BackendContract",
    "FakeCalls",
    "MemoryPeer",
    "PoweredConsoles",
    "ScriptedConnection",
    "ScriptedRFBServer",
    "StaticConsoles",
    "backend_context",
    "carry",
    "rfb_script",
]
