"""The demonstration: a console of our own to look at, and the whole proxy around it in one process.

In reading order: `font`, `canvas` and `screen` paint a test card that echoes keys and pointer,
`encode` turns it into what a viewer asked for, `server` speaks RFB, `run` is ``vncproxy demo``.
"""
