"""``vncproxy check-config``: what is wrong with a configuration that could be read.

- `run`: all checks, in the order of the configuration file.
- `asking`: questions to Redis, sources and backends, each with a time limit.
- `finding`: one line of the report.
- `values`: settings that are well formed and unlikely to work.
- `recordings`: whether the sessions that have to be recorded can be.
- `descriptors`: whether there are enough file descriptors.
- `certificates`: certificates and keys of TLS listeners.
- `sockets`: whether the listeners' addresses are free.
- `sentinels`: what each sentinel says about its master.
- `consoles`: logins at the consoles that backends name.
"""
