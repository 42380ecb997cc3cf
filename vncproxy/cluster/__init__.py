"""All proxies that share a Redis: which there are, their sessions, and orders to end some of them.

Nothing of a process outlives its announcement, which it renews every five seconds: a crash cleans
up by expiry. In reading order:

- `keys`: the keys in Redis.
- `scripts`: what Redis runs atomically.
- `announcements`: the JSON of an announcement.
- `presence`: announces this process, and reads the announcements of others.
- `differences`: proxies whose backends are not the same, or that have one name.
- `records`: the JSON of a session.
- `publisher`: writes the sessions of this process to Redis.
- `order`: an order, and its JSON.
- `finding`: the JSON by which a process says where a machine is.
- `deciding`: the JSON by which a process says what became of an approver's decision.
- `following`: reads orders, and tells whether any may have been missed.
- `obeying`: carries orders out.
- `giving`: gives orders, and waits until they are confirmed.
- `sessions`: the sessions of all proxies.
- `repeating`: orders that were not confirmed, given again.
- `turns`: what one process does at a time.
- `cluster`: all of it put together, started and stopped.
"""
