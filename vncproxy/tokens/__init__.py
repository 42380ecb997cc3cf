"""Tokens: how they are issued, and where they live.

Every store keeps the same promises, checked by one contract test. Importing `redis` installs
Twisted's reactor, as txredisapi does.

In reading order:

- `refusals`: why a token is not issued.
- `policy`: what a policy may ask for.
- `bounds`: the most that an issuer may ask for.
- `delegation`: the most that an issuer may let another one ask for.
- `machine_ids`: the part of a machine's id that no tenant can choose.
- `machine_check`: whether a machine exists.
- `access_url`: the link that a user opens.
- `issuing`: from a checked request to a stored token and its access URL.
- `resume`: how long a browser may re-enter, the same in every store.
- `over_limit`: the refusal of a session for which there is no room.
- `occupied`: the refusal of a session whose machine another one has.
- `live_counts`: the live sessions of one process by machine, user and address.
- `memory_entry`, `memory_links`, `memory`: tokens in this process, signed links among them.
- `records`: the JSON form of a token in Redis, which portals write too.
- `redis_keys`: the keys of tokens in Redis.
- `scripts`: what Redis runs atomically.
- `redis_answers`: answers of the scripts, as results and errors.
- `redis_token`: a token as it is read from Redis.
- `own_memory`: what this process did to tokens, for when a crash makes Redis forget it.
- `redis_leases`: the sessions of this process in Redis: removed, registered, kept.
- `redis_sessions`: how sessions begin in Redis, counted in the same step.
- `redis_links`: signed links in Redis.
- `redis_status`: what a Redis is fit for.
- `redis`: tokens in Redis, for many proxies.
- `external`: tokens of other issuers.
"""
