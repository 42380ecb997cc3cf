"""``vncproxy demo``: a console that draws a test card, and the whole proxy for it in one process.

- `run`: from the arguments to the exit status.
- `demonstration`: the proxy around one console, without a configuration file.
- `announcement`: the links that are printed.
- `failures`: prints why a console is not shown.
- `server`: a small RFB server.
- `login`: its handshake, with a password or without.
- `screen`: the test card, which echoes keys and pointer.
"""
