"""Types at consoles: a viewer of the proxy's own, whose session is as any user's.

- `loopback`: a connection within the process, as the transport of a leg.
- `listening`: what the viewer reads of its console's server.
- `keyboard_viewer`: the viewer: it waits for its console, types, and leaves.
- `machine_turns`: one caller types at a machine at a time.
- `typing`: starts such sessions, and waits for them.
"""
