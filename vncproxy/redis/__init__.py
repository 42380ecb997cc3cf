"""The connections to Redis, whatever is kept there.

In reading order:

- `endpoint`: the way to a server; which one is the primary, where its address is configured.
- `dialler`: asks for the primary, connects and logs in.
- `lua`: what scripts begin with.
- `protocol`: commands, scripts, and how far behind the server is.
- `channels`: a connection that receives what a server publishes, and comes back by itself.
- `sentinel`, `sentinels`: what one sentinel answers and announces; the primary that they all know.
- `sentinel_reports`: what sentinels say about their master, in sentences.
- `primary`: which server is the primary, as the settings say.
- `replicas`: waiting until replicas have a change.
- `operation`: the calls of one operation, which end in time.
- `link`: the connection for calls to the primary.
- `store`: what all stores in Redis begin with.
- `subscription`: the connection that receives what is published at the primary.
- `diagnosis`: what is wrong, as a sentence that says what to do about it.
- `outage`: one line in the log when Redis fails, and one when it is back.
- `persistence`: what a crash of Redis takes back, by its own settings.
"""
