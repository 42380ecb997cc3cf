"""Version 1 of the API.

In reading order:

- `bodies`: the JSON of requests, with the field that is wrong, and of answers.
- `tokens`: issue, show and revoke.
- `sessions`: list and end.
- `inventory`: the machines of all backends.
- `routes`: which path leads where, and which scope it needs.
"""
