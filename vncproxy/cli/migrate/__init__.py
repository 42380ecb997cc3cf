"""``vncproxy migrate``: the configuration that replaces another program.

- `commands`: the commands.
- `websockify`: a command line of websockify as a configuration.
- `websockify_options`: websockify's command line.
- `nova`: files of Nova as a configuration.
- `nova_files`: reads them as Nova does.
- `nova_options`: the options of nova-novncproxy and nova-xvpvncproxy, with all of their names.
- `nova_notes`: what needs nothing, or has no counterpart.
- `kolla`: the directory of a container that Kolla runs.
- `toml`: pieces of a configuration as text.
"""

from __future__ import annotations

from .commands import migrate

__all__ = ["migrate"]
