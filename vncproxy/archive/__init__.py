"""Where recordings are kept: a directory, or a bucket behind it.

In reading order:

- `library`: the seam: recordings that can be listed, read and deleted.
- `describing`: what a recording is of, and how it ended, without reading all of it.
- `folder`: the recordings of a directory.
"""
