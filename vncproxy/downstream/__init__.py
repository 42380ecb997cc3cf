"""The user's side: where browsers and TCP viewers reach their consoles, over HTTP and RFB.

In reading order:

- `routes`: what is served where: pages, WebSocket upgrades, CONNECT.
- `http_site`: the factory of HTTP connections and requests: Site and Request of twisted.web.
- `channel`: one HTTP connection: limits, and handing it over to another protocol.
- `request`: reads a request for a console: client, token, cookie, origin.
- `links`: finds the token in a link.
- `cookies`, `resume_cookie`: cookies of a request; the cookie that re-enters a console.
- `login_cookie`: the cookies of logins.
- `headers`: headers as text.
- `forwarded`: the user's address, scheme and host: X-Forwarded-For, Forwarded.
- `trust`: what the configuration trusts; an Origin is checked in `vncproxy.origins`.
- `pending`: a user's connection before it is a leg.
- `websocket`: browsers: the WebSocket upgrade.
- `connect`: TCP viewers: CONNECT.
- `native_viewer`: TCP viewers that log in over RFB.
- `viewer_tls`: the TLS that they start.
- `static_files`: the page's files.
- `frame_ancestors`: pages that may show the console in a frame.
- `connections`: counts and limits connections, in all and for each address.
- `http_refusal`: the response that refuses outside of `routes`.
- `refusals`: logs refused requests, and limits them for each address.
- `rate_limit`, `throttled_warning`: token buckets per address; warnings once a minute.
- `accepting`: pauses the listening sockets under load.
- `proxy_header`: the PROXY protocol of load balancers.
- `tls_listener`: TLS of listeners: certificates, their reload, session tickets.
"""
