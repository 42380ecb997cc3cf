"""Logins at OpenStack, and what its Keystone says about tokens.

- `cloud`: one login, shared by threads.
- `failures`: errors of OpenStack's libraries in words, without secrets.
- `keystone`: whose a token is.
- `recent`: answers of Keystone, for a bounded time.
"""
