"""Users that log in at an OpenID provider: by whom they are known, and for how long.

In reading order:

- `limits`: how much is kept, and how long texts may be.
- `login`: a login as it is kept: the user, the name and the groups; or an API key.
- `memory`: logins of this process.
- `scripts`: what Redis runs atomically.
- `redis`: logins in Redis, for many proxies.
- `logins`: logins by the secrets in browsers' cookies.
- `attempt`: what binds the provider's answer to the browser that was sent there.
- `options`: how the provider is asked.
- `fetching`: bounded requests to the provider.
- `metadata`: what the provider says of itself, and its keys.
- `id_token`: who logged in, verified.
- `claims`: users, names and groups in claims.
- `provider`: from a browser that is sent to the provider to the user that comes back.
"""
