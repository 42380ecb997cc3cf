"""Consoles that are written in the configuration, or in a file: type ``static``.

- `backend`: `StaticBackend`.
- `settings`: the table of the configuration.
- `console`: one console: address, security and name.
- `machines`: a file of consoles that may change.
- `errors`: what is wrong with that file.
"""

from .backend import StaticBackend

__all__ = ["StaticBackend"]
