"""The start page: users log in, see their machines and open one with a click.

In reading order:

- `visitor`: who uses the page: a login, and what its policies or its key allow.
- `doors`: what the listeners know of a request.
- `machines`: the machines of a visitor, with their states.
- `opening`: a link to one of them, and a picture of it.
- `logging_in`: a browser that is sent to the provider, and comes back.
- `answers`: JSON, redirects and cookies as answers.
- `routes`: which path leads where.
"""
