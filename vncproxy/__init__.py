"""vncproxy: a console gateway for virtual machines.

In reading order:

- `vncproxy.model`, `vncproxy.errors`, `vncproxy.interfaces`: the vocabulary.
- `vncproxy.text`: what others have sent, as it may be written.
- `vncproxy.addresses`: which host names and addresses may be dialled.
- `vncproxy.steps`, `vncproxy.rfb`, `vncproxy.handshakes`: protocols without I/O.
- `vncproxy.relay`: legs, framing and the hot path.
- `vncproxy.upstream`, `vncproxy.downstream`: the two sides of a session.
- `vncproxy.consoles`: from a machine's address to its reached console.
- `vncproxy.session`, `vncproxy.sessions`: one console from redeem to close, and all of them.
- `vncproxy.admission`, `vncproxy.accepting`: how many may begin at once, and how the others wait.
- `vncproxy.tokens`, `vncproxy.backends`: tokens, and where consoles are.
- `vncproxy.api`, `vncproxy.web`: the HTTP API and the page.
- `vncproxy.config`, `vncproxy.tap`, `vncproxy.cli`: put together.
- `vncproxy.service`, `vncproxy.reload`: how it starts, stops, and takes another configuration.
"""

__version__ = "0.1.0"
