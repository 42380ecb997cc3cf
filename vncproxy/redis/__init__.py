"""The connections to Redis, whatever is kept there.

In reading order:

- `endpoint`: the way to the primary, which is located for each connection.
- `dialler`: connects and logs in.
- `protocol`: commands, scripts, and how far behind the server is.
- `link`: the connection for calls, and its operations, which end in time.
- `subscription`: the connection that receives what is published.
- `diagnosis`: what is wrong, as a sentence that says what to do about it.
- `outage`: one line in the log when Redis fails, and one when it is back.
- `persistence`: what a crash of Redis takes back, by its own settings.
"""
