"""The user's side: one HTTP site on which browsers and TCP viewers reach their consoles.

- `vncproxy.downstream.connections`: all connections, and how many there may be.
- `vncproxy.downstream.refusals`: how often users are refused with words, and when cheaply.
- `vncproxy.downstream.proxy_header`: the PROXY protocol, by which balancers tell whose it is.
- `vncproxy.downstream.channel`: HTTP connections with limits, which can be taken over.
- `vncproxy.downstream.console_site`: the factory of connections and requests.
- `vncproxy.downstream.headers`: headers as text.
- `vncproxy.downstream.cookies`: cookies, in one pass.
- `vncproxy.downstream.occasional`: warnings that are written once a minute.
- `vncproxy.downstream.forwarded`: the user's address, scheme and host, as reverse proxies tell.
- `vncproxy.downstream.trust`: which pages, proxies and embedding sites are trusted.
- `vncproxy.downstream.links`: where a token stands in a link.
- `vncproxy.downstream.resume_cookie`: the cookie by which a browser re-enters a console.
- `vncproxy.downstream.allowance`: how often something may be done for strangers.
- `vncproxy.downstream.framing`: pages that may show the console in a frame.
- `vncproxy.downstream.request`: what a request says about its user, put together.
- `vncproxy.downstream.pending`: a connection between its HTTP request and its leg.
- `vncproxy.downstream.websocket`: browsers; the opening handshake is Autobahn's.
- `vncproxy.downstream.connect`: TCP viewers that ask with ``CONNECT``.
- `vncproxy.downstream.static_files`: the page's files.
- `vncproxy.downstream.site`: what is served where.
"""
