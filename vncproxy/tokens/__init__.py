"""Where tokens live: in this process (``memory``), or in Redis for many proxies (``redis``).

Both keep the same promises, checked by one contract test. ``records`` is the JSON form that portals
may write too, ``scripts`` what Redis runs atomically, ``link`` the connection to Redis, ``outage``
what the log says of it, ``endpoint`` the way there, ``durability`` what a crash of Redis takes
back, and ``own_memory`` what a process knows by itself then. Importing ``redis`` installs Twisted's
reactor, as txredisapi does.
"""
