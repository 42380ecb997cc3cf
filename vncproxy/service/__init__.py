"""The proxy as a service: put together, started, reloaded and stopped.

- `composition`: the whole proxy from its settings, read from top to bottom.
- `cluster`: its identity, what it announces, and the cluster that it is part of.
- `together`: what binds sessions that join others to those.
- `components`: token store, token sources and backends: made, renewed, closed.
- `sites`: the HTTP sites for users and for API callers.
- `nova_authenticators`: how callers of Nova's API are identified.
- `pictures`: pictures of machines.
- `recordings`: recordings of sessions.
- `served_hosts`: the hosts that are announced, asked of backends.
- `for_zones`: what zones reach over tunnels.
- `zone_links`: links between zones, from the settings.
- `hosts`: these, the directory of proxies, and peers.
- `figures`: all metrics of one process, and where their figures are counted.
- `gateway`: the order in which everything starts and stops.
- `start_lines`: the first lines of the log.
- `drain`: how the proxy is emptied.
- `store_check`: the first call of the token store, when the proxy starts.
- `reload`: the configuration is read again and applied.
- `changes`: which options differ, and which of them need a restart.
- `siblings`: the other workers of the proxy, which a full one leaves connections to.
- `signals`: SIGHUP, SIGTERM and SIGUSR2.
- `notify`, `systemd`: systemd is told how the proxy is.
- `exit_status`: the exit status of the process.
- `log_file`: the log file of the process, opened again.
- `garbage`: keeps collections of garbage short.
- `monotonic`: a clock for the reactor that cannot be set.
"""
