"""``vncproxy recording upload``: what is left in the spool of a proxy that does not come back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..config.recording import S3
from ..errors import ConfigurationError
from .failures import Misconfigured, Refused

if TYPE_CHECKING:
    from ..archive.uploader import Uploader


@click.command(
    epilog="""\b
Examples:
  vncproxy recording upload --config /etc/vncproxy/vncproxy.toml
  vncproxy recording upload --config vncproxy.toml --from /mnt/disk-of-the-dead-proxy/spool
""",
)
@click.option(
    "--config",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A configuration with [recording.s3].",
)
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="A spool, or a directory of recordings; the spool of the configuration without it.",
)
def upload(config: Path, folder: Path | None) -> None:
    """Upload the recordings of a spool, for a proxy that does not do it any more.

    What the bucket has, as it confirmed, is removed from the spool. A proxy that
    runs uploads what is in its spool itself.
    """
    from ..archive.bucket import BucketError, NotInstalled
    from ..archive.uploader import Uploader
    from ..service.archive import bucket_and_spool

    open_bucket, spool = bucket_and_spool(_moved(_table(config), folder))
    try:
        with spool.lock() as is_ours:
            if not is_ours:
                raise Refused(f"another process, such as a proxy, uploads from {spool.path}")
            _upload_all(Uploader(open_bucket, spool))
    except (BucketError, NotInstalled, OSError) as e:
        raise Refused(str(e)) from e


def _upload_all(uploader: Uploader) -> None:
    count = failed = 0
    for entry, trouble in uploader.upload_all():
        count += 1
        failed += bool(trouble)
        click.echo(f"{entry.name}: {trouble or 'uploaded'}", err=bool(trouble))
    if failed:
        raise Refused(f"{failed} of {count} recordings wait in the spool")
    click.echo(f"{count} recordings are uploaded")


def _table(config: Path) -> S3:
    from .. import tap

    try:
        settings = tap.load(config)
    except ConfigurationError as e:
        raise Misconfigured(str(e)) from e
    if settings.recording.s3 is None:
        raise Misconfigured(f"{config} has no [recording.s3]")
    return settings.recording.s3


def _moved(s3: S3, folder: Path | None) -> S3:
    return s3 if folder is None else s3.model_copy(update={"spool": str(folder)})
