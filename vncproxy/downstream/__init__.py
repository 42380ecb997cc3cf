"""The user's side: one HTTP site on which browsers and TCP viewers reach their consoles.

- `vncproxy.downstream.channel`: HTTP connections with limits, which can be taken over.
- `vncproxy.downstream.visits`: what a request says about its user.
- `vncproxy.downstream.early`: a connection between its HTTP request and its leg.
- `vncproxy.downstream.websocket`: browsers; the opening handshake is Autobahn's.
- `vncproxy.downstream.connect`: TCP viewers that ask with ``CONNECT``.
- `vncproxy.downstream.site`: what is served where.
"""
