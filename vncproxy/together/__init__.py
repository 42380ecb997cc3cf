"""Several users at one machine: sessions that join another one, and end with it.

In reading order:

- `scripts`: what Redis runs atomically.
- `memory`: the sessions of a machine in this process, where nothing is shared.
- `redis`: the sessions of a machine in all processes.
- `binding`: ends sessions that have joined others when those end.
- `viewers`: whether a console admits one more viewer.
- `links`: makes links to live sessions.
- `inviting`: answers pages whose users invite others.
"""
