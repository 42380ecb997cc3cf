"""Tokens of other issuers, which this proxy accepts beside its own.

Every source is made with a `SourceContext` and provides ``ITokenSource``. In reading order:

- `context`: what a source is made with.
- `target`: the host and port, or unix socket, of a token.
- `servers`: the consoles' servers, and how to log in there.
- `grant`: what a token allows, and the refusal of a short one.
- `token_file`, `websockify_file`: websockify's ``TokenFile``.
- `websockify_redis`: websockify's ``TokenRedis``.
- `jwt_key`, `jwt`, `link_claims`: signed tokens (JWT), and links to machines among them.
- `nova_settings`, `nova_console`, `nova`: tokens of OpenStack's Nova.
- `kinds`: the types by name.
- `store`: the proxy's own store, with the sources behind it.
"""
