"""Users who type, while parts of a whole service are killed, stopped, cut off and delayed.

``python -m tests.chaos`` (``make chaos``) does so for ten minutes, in an order that its seed
decides, and `tests.integration.test_chaos` for some seconds.

- `wire`: a user's connection.
- `user`: a user as the console page is one: types, and comes back.
- `viewer`: a user with a TCP viewer.
- `browsers`: real browsers among the users.
- `parts`: what is killed and started again.
- `world`: two proxies with two workers each, HAProxy, Redis with sentinels, three VNC servers.
- `network`: cuts between parts, by nftables.
- `faults`: what is done to a part, whose sessions it may end, and which refusals it explains.
- `verdict`: what must hold after each fault, and at the end.
- `course`: one fault after another.
"""
