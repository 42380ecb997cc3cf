"""What a policy lets pass between a viewer and its console.

A session whose policy restricts nothing has no filter. `stages_for` returns the stages of the
others; `vncproxy.relay.stages` runs them.

- `rules`: what a policy means for each direction.
- `clipboard`: the messages of the extended clipboard.
- `budget`: how many bytes of texts may be decompressed.
- `encodings`: which encodings a viewer may announce.
- `checks`: messages that no viewer sends, and that have crashed servers.
- `held`: the keys and buttons that a viewer holds down at the server.
- `xvp`: requests for power, which the proxy answers.
- `guard`: which of a viewer's messages pass without the stage.
- `to_server`: the stage for a viewer's messages.
- `to_client`: the stage for a server's messages.
- `stages`: the stages of a session.
"""

from __future__ import annotations

from .stages import stage_of_viewer, stages_for
from .xvp import XvpPower

__all__ = ["XvpPower", "stage_of_viewer", "stages_for"]
