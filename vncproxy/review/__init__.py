"""Recordings that are watched: links to them, and what is written of who watches.

In reading order:

- `limits`: how long links are good, and how many there may be.
- `link`: a link to one recording.
- `memory`: links in this process.
- `scripts`: what Redis runs atomically.
- `redis`: links in Redis, for many proxies.
- `shelf`: the recordings that there are, read in threads.
- `copies`: playable copies, made where they are missing.
- `visits`: who watches, for the audit.
- `followers`: reviewers of sessions that are still recorded.
- `watching`: what a request with a link gets.
"""
