"""vncproxy: a console gateway for virtual machines.

In reading order:

- `model`, `errors`, `interfaces`: the vocabulary: frozen values, one tree of errors, the seams.
- `text`, `addresses`, `files`, `origins`: printable text from outside, hosts that may be
  dialled, paths and versions of files, origins of pages.
- `metrics`: where metrics are registered, for all processes of a proxy together.
- `logs`: the log of the process, as lines of text or JSON.
- `config`: from ``etc/vncproxy.toml`` to frozen settings; ``check-config``.
- `handshake`, `rfb`: protocols without I/O.
- `filters`: what a policy lets pass between viewer and console.
- `screen`: the picture of a console, decoded.
- `tls`: how servers are verified.
- `painted`: pictures that the proxy paints itself.
- `relay`: legs, framing, stages, and the hot path.
- `consent`: what users accept and others approve of before a console is shown.
- `upstream`: the hypervisor's side: dial, handshakes, WebSocket.
- `power`: starts, stops and resets machines.
- `session`: one console from redeem to close; admission, time limits, audit.
- `together`: several users at one machine: sessions that join another one.
- `downstream`: the user's side: listeners, HTTP, WebSocket, ``CONNECT``, cookies, limits.
- `recording`: recordings of sessions.
- `replay`: recordings as they are played.
- `archive`: where they are kept: listed, read, deleted.
- `review`: recordings that are watched: links, live following, who watched.
- `screenshots`: pictures of consoles, by short sessions of the proxy's own.
- `watching`: waits until screens change, or are still.
- `keyboard`: keys, keyboard layouts, and what is typed with them.
- `typist`: types at consoles, by sessions of its own.
- `tokens`, `redis`: issuing, storing and redeeming tokens; the connection to Redis.
- `cluster`: all proxies that share a Redis: which there are, their sessions, orders to end some.
- `portals`: what is kept for the programs that call the API.
- `pacing`: long loops in pieces.
- `hosts`: which proxy shows a machine, where proxies serve some hosts only.
- `zones`: what zones say to each other.
- `openstack`: logins at OpenStack, and what its Keystone says about tokens.
- `links`: connections that a zone makes to another one which cannot dial it.
- `blocking`, `backends`: bounded threads for blocking SDKs; the backends, which locate consoles.
- `answers`: the JSON that the HTTP API answers with, as types.
- `languages`: what users read, in their languages.
- `api`, `web`: the HTTP API and the pages.
- `login`: users that log in at an OpenID provider.
- `start`: the start page: users see their machines and open one with a click.
- `player`: recordings shown in a browser.
- `client`: a client of the HTTP API, for portals and the command.
- `cli`, `demo`, `testing`: the command, the demonstration, and public test doubles.
- `service`, `tap`: the proxy is put together, started, reloaded and stopped.
- `supervisor`: one proxy in several processes.
"""

__version__ = "0.1.0"
