"""Version 1 of the API.

In reading order:

- `bodies`: the JSON of requests, with the field that is wrong, and of answers.
- `parameters`: values that stand in queries.
- `tokens`: issue, show and revoke.
- `session_query`: which sessions a request is about.
- `sessions`: list, show and end.
- `proxies`: list and drain.
- `inventory`: the machines of all backends.
- `routes`: which path leads where, and which scope it needs.
"""
