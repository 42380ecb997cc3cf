"""Several users at one machine: who is there, who drives, and sessions that join another one.

In reading order:

- `scripts`: what Redis runs atomically.
- `memory`: the sessions of a machine in this process, where nothing is shared.
- `redis`: the sessions of a machine in all processes.
- `viewers`: whether a console admits one more viewer.
- `people`: tells pages who else is at their machine.
- `binding`: ends sessions that have joined others when those end.
- `driving`: one session drives at a time, where the policy says so.
- `handing`: hands the control over.
- `links`: makes links to live sessions.
- `inviting`: answers pages whose users invite others.
- `company`: all of it, as sessions and other processes use it.
"""
