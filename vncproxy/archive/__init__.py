"""Where recordings are kept: a directory, or a bucket behind it.

In reading order:

- `library`: the seam: recordings that can be listed, read and deleted.
- `describing`: what a recording is of, and how it ended, without reading all of it.
- `folder`: the recordings of a directory.
- `bucket`: the calls to S3-compatible storage that recordings need.
- `cards`: what a bucket says of each recording.
- `spool`: the recordings that wait until a bucket has them.
- `upload`: the upload of one recording's bytes.
- `job`: all that happens to one recording, until the spool does not have it any more.
- `late_indexes`: indexes whose recordings have left the spool before them.
- `uploader`: the uploads of all that is in a spool.
- `ranges`: objects of a bucket as files.
- `trying`: whether a bucket can be used.
- `s3`: the recordings of a bucket.
- `keeping`: which recordings are kept no longer.
- `pruning`: deletes them.
"""
