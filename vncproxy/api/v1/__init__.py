"""Version 1 of the API.

In reading order:

- `bodies`: the JSON of requests, with the field that is wrong, and of answers.
- `parameters`, `recording_parameters`: parameters of queries.
- `tokens`: issue, show and revoke.
- `keys`: create, list and revoke.
- `session_query`: which sessions a request is about.
- `sessions`: list, show, change and end.
- `joining`: links to live sessions.
- `approvals`: sessions that wait for approval: list, approve, withdraw and deny.
- `proxies`: list and drain.
- `events`: what goes on, as a stream of events.
- `self_view`: what the key of a request may do.
- `power`: start, stop and reset machines.
- `inventory`: the machines of all backends.
- `screenshots`: pictures of machines.
- `recordings`: list, show and delete recordings, get their files, make links to them.
- `screen_parameters`, `screen`: waiting for screens.
- `typing_bodies`, `typing`: keys for the consoles of machines.
- `problems`: why requests fail: statuses and codes.
- `operation`: a request as a value: its path, scopes, types and problems.
- `session_operations`, `machine_operations`, `recording_operations`: each of those.
- `screen_operations`, `operations`: the others, and all of them.
- `component_schemas`, `openapi`: the document that describes the API.
- `reference`: that document as a page for people.
- `views`: what serves requests, together.
- `serving`: how a call becomes a response.
- `token_routes`, `session_routes`, `machine_routes`: what these lead to.
- `recording_routes`, `screen_routes`: the same of the others.
- `routes`: what each request leads to.
"""
