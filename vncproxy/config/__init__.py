"""The configuration: from ``etc/vncproxy.toml`` to frozen settings, and the check of them.

- `load`: reads a file and reports all of its errors at once.
- `settings`: one class for each table, with the defaults; those of ``[limits]`` and
  ``[timeouts]`` are in `vncproxy.model.limits`.
- `setting_types`: the types of single settings, and what each of them refuses.
- `recording`: ``[recording]``.
- `amounts`: spans of time and numbers of bytes, as people write them.
- `redis`: how a Redis is reached, for ``[redis]`` and token sources.
- `table`: what all tables have in common.
- `scope`: what a caller of the API may do.
- `cloud`: which OpenStack cloud, and as whom.
- `login`: ``[login]``.
- `nova`: ``[nova]`` and ``[keystone]``.
- `secret`: secrets, written out, in a file or in the environment.
- `listen`: ``[listen]``.
- `listeners`: endpoint strings.
- `urls`: URLs, and the origins and path prefixes in them.
- `own_addresses`: this machine's name and its interfaces' addresses in URLs.
- `digest`: a digest of a configuration.
- `shares`: the part of the limits that one worker has.
- `descriptors`: how many file descriptors the limits need.
- `error_messages`: errors of validation as lines for an operator.
- `toml_errors`: errors of syntax, and what to write instead.
- `check`: ``vncproxy check-config``, which also dials what is configured.
"""
