"""vncproxy: a console gateway for virtual machines.

In reading order:

- `model`, `errors`, `interfaces`: the vocabulary: frozen values, one tree of errors, the seams.
- `text`, `addresses`, `files`, `origins`: foreign text, hosts, files and origins of pages, in one
  form each.
- `config`: from ``etc/vncproxy.toml`` to frozen settings, and what is wrong with them.
- `handshake`, `rfb`: protocols without I/O.
- `tls`: how servers are verified.
- `relay`: legs, framing and the hot path.
- `upstream`, `downstream`: the hypervisor's side and the user's side of a session.
- `session`: one console from redeem to close, and the registry of live sessions.
- `tokens`, `redis`: where tokens live, and the connection to Redis.
- `blocking`, `backends`: threads for blocking SDKs, and where consoles are.
- `api`, `web`: the HTTP API and the page.
- `cli`, `demo`: the command and the demonstration.
- `testing`: public test doubles, and the promises of every backend as tests.
- `service`, `tap`: how all of it is put together, started, reloaded and stopped.
"""

__version__ = "0.1.0"
