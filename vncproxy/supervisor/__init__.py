"""One proxy in several processes: a supervisor, and workers that serve on its listening sockets.

- `composition`: the supervisor is put together.
- `supervisor`: the service that ``twistd vncproxy`` runs then: start, reload, upgrade, stop.
- `generation`: the workers that run one version of the program, restarted when they end.
- `one_at_a_time`: its tasks, one after the other.
- `transaction`: a reload of all workers or none.
- `process`: one worker as the supervisor sees it.
- `hang`: whether a worker answers.
- `launching`: the command, environment and descriptors of a worker's process.
- `sockets`: the listening sockets, which the supervisor binds and workers inherit.
- `inherited`: what a worker inherits, and listening on it.
- `channel`: messages between supervisor and worker.
- `worker`: the process of a worker, ``python -m vncproxy.supervisor.worker``.
- `orders`: what a worker does on each message of the supervisor.
- `log_events`: log events on their way from a worker to the supervisor's log.
- `installed`: whether another version of the program has been installed.
- `figures`: the folder of the workers' metrics.

A worker finds its identity in its environment: ``VNCPROXY_ID`` (16 hex digits, of the proxy),
``VNCPROXY_WORKER`` (from 1) and ``VNCPROXY_GENERATION`` (from 1, counts upgrades).
"""
