"""What proxies keep for the programs that call their API: keys, rates and repeated requests.

In reading order:

- `limits`: how much is kept, and for how long.
- `gcra`: whether a rate admits one more request.
- `memory`: all of it in this process.
- `scripts`: what Redis runs atomically.
- `redis`: all of it in Redis, for many proxies.
"""
