"""Recordings that go to a bucket: a gateway, a display, and a server that speaks S3."""

from __future__ import annotations

import atexit
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from click.testing import CliRunner, Result
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.forwarder import Forwarder
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.redis_case import RedisCase, at_once, sleep
from tests.components.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server
from tests.components.viewer import Viewer
from tests.components.vnc_servers import Identity, XServer
from tests.doubles.recorded_files import BEGAN, keep, name_of, recording
from vncproxy.archive.bucket import Bucket, BucketError, open_bucket
from vncproxy.archive.job import all_names
from vncproxy.archive.library import NoRecording, State
from vncproxy.archive.s3 import S3Library
from vncproxy.archive.spool import Spool
from vncproxy.archive.trying import try_bucket
from vncproxy.archive.upload import tag_of
from vncproxy.archive.uploader import Uploader
from vncproxy.cli import main
from vncproxy.cluster.keys import ClusterKeys
from vncproxy.cluster.turns import Turns
from vncproxy.recording.reading import RecordingReader
from vncproxy.redis.link import RedisLink

WIDTH, HEIGHT = 1024, 768
"""A picture has 3 MiB, as the viewer of these tests asks for it."""


class World:
    """A display, a server of buckets, and a gateway in front of the display."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="archive-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder)
        identity = Identity(self.folder / "pki", self.authority, "localhost")
        size = ("-geometry", f"{WIDTH}x{HEIGHT}")
        self.display = XServer(self.folder, "None", identity, "unused", *size).start()
        atexit.register(self.display.stop)
        ca_file = str(self.authority.ca_file)
        self.server = S3Server(self.authority.issue("localhost"), ca_file).start()
        atexit.register(self.server.stop)
        self.bucket = self.server.bucket()

    def spool(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def table(
        self,
        spool: str,
        prefix: str,
        more: str = "",
        *,
        port: int = 0,
        trusts: bool = True,
    ) -> str:
        """Return `[recording.s3]`, whose secret is in a file."""
        endpoint = f"https://localhost:{port or self.server.port}"
        ca_file = f'ca_file = "{self.server.ca_file}"' if trusts else ""
        secret = self.folder / "secret"
        secret.write_text(SECRET_KEY + "\n")
        return f"""
[recording.s3]
endpoint = "{endpoint}"
bucket = "{BUCKET}"
prefix = "{prefix}"
region = "us-east-1"
access_key = "{ACCESS_KEY}"
secret_key = {{ file = "{secret}" }}
spool = "{self.spool(spool)}"
{ca_file}
{more}
"""

    def gateway(self, table: str) -> Gateway:
        port = self.display.port
        gateway = Gateway(
            f"""
{table}
[backends.here]
type = "static"
[backends.here.consoles]
display = {{ address = "127.0.0.1:{port}" }}
"""
        ).start()
        atexit.register(gateway.stop)
        return gateway


@cache
def world() -> World:
    return World()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


class ArchiveCase(SynchronousTestCase):
    timeout = 180

    def watch(self, gateway: Gateway) -> Viewer:
        """Open the display by a link whose sessions are recorded."""
        issued = gateway.issue("here/display", type="xvpvnc", policy={"record": True})
        viewer = Viewer.connect(gateway.xvp_port, issued["token"])
        self.addCleanup(viewer.close)
        return viewer

    def objects(self, prefix: str) -> dict[str, int]:
        bucket = world().server.bucket(prefix)
        return {each.name: each.size for each in bucket.objects("")}

    def library(self, prefix: str, spool: str) -> S3Library:
        bucket = world().server.bucket(prefix)
        return S3Library(lambda: bucket, Spool(world().spool(spool)))


class SessionTests(ArchiveCase):
    def test_a_session_through_an_outage_and_a_kill(self) -> None:
        """It is uploaded while it lasts; what an outage and a kill leave, the next process does.

        Meanwhile another recording is pruned.
        """
        forwarder = Forwarder(world().server.port)
        self.addCleanup(forwarder.cut)
        bucket, spool = world().server.bucket("killed/"), Spool(world().spool("killed"))
        keep(spool.path)
        uploading = Uploader(lambda: bucket, spool).upload_all()
        self.assertEqual([trouble for _, trouble in uploading], [""])
        rules = '[[recording.keep]]\nvms = ["kvm/*"]\nsize = 1'
        gateway = world().gateway(world().table("killed", "killed/", rules, port=forwarder.port))
        viewer = self.watch(gateway)
        look_until(viewer, lambda: parts(bucket, spool) > 0)
        line = gateway.audit_of("recording-pruned", session="7f3a")
        self.assertEqual((line["file"], line["why"], line["rule"]), (name_of("7f3a"), "size", 1))
        self.assertEqual(gateway.metric('vncproxy_recordings_pruned_total{why="size"}'), 1)
        forwarder.cut()
        before = parts(bucket, spool)
        look_until(viewer, lambda: gateway.metric("vncproxy_recordings_upload_failures_total") > 0)
        gateway.until_logged("cannot be uploaded, and waits in the spool")
        self.assertGreater(gateway.metric("vncproxy_recordings_waiting_bytes"), 0)
        gateway.kill()
        (entry,) = spool.entries()
        data = spool.open(entry).read()
        forwarder.heal()
        # the server may have taken the part that was on its way
        self.assertGreaterEqual(parts(bucket, spool), before)
        self.assertIsNone(bucket.look(entry.name))

        gateway.start()
        until(lambda: not list(spool.entries()), "the spool to be empty")
        library = self.library("killed/", "killed")
        self.assertEqual(set(self.objects("killed/")), set(all_names(entry)))
        found = library.find(entry.session)
        assert found is not None
        described = library.describe(found)
        self.assertEqual((described.state, described.about.vm), (State.CUT, "here/display"))
        with library.open(found) as file:
            kept = file.read()
        self.assertTrue(data.startswith(kept))
        self.assertLess(len(data) - len(kept), 1 << 20)
        reader = RecordingReader(io.BytesIO(kept))
        self.assertGreater(sum(len(each.data) for each in reader.events()), 8 << 20)
        gateway.stop()


class TurnTests(RedisCase):
    """Which process prunes, or types at a machine."""

    def turns(self, worker: str) -> Turns:
        settings = self.settings()
        link = RedisLink(reactor, settings)
        self.addCleanup(lambda: Deferred.fromCoroutine(link.close()))
        return Turns(link, ClusterKeys(settings.prefix), worker)

    async def test_one_process_has_the_turn_until_it_does_not_come_again(self) -> None:
        first, second = self.turns("w1"), self.turns("w2")
        self.assertTrue(await first.take("prune:x", 60))
        self.assertFalse(await second.take("prune:x", 60))
        self.assertTrue(await second.take("prune:y", 60))
        self.assertTrue(await first.take("prune:x", 0.2))
        await sleep(0.3)
        self.assertTrue(await second.take("prune:x", 60))
        self.assertFalse(await first.take("prune:x", 60))

    async def test_a_turn_that_is_given_back(self) -> None:
        first, second = self.turns("w1"), self.turns("w2")
        self.assertTrue(await first.take("type:x", 60))
        await second.give_back("type:x")
        self.assertFalse(await second.take("type:x", 60))
        await first.give_back("type:x")
        self.assertTrue(await second.take("type:x", 60))

    async def test_of_many_at_once_one_has_it(self) -> None:
        taken = await at_once(*(self.turns(f"w{n}").take("prune:x", 60) for n in range(5)))
        self.assertEqual(sorted(map(str, taken)), ["False"] * 4 + ["True"])


class BucketTests(ArchiveCase):
    def test_every_call_on_a_real_server(self) -> None:
        bucket = world().server.bucket("calls/")
        self.assertIn("can be written", try_bucket(bucket))
        self.assertEqual(self.objects("calls/"), {})
        data = os.urandom(6 << 20)
        upload = bucket.begin_parts("a")
        self.assertEqual(bucket.uploads("a"), [upload])
        tags = [bucket.put_part("a", upload, 1, data), bucket.put_part("a", upload, 2, b"end")]
        self.assertEqual([each.size for each in bucket.parts("a", upload) or ()], [len(data), 3])
        bucket.complete("a", upload, tags)
        found = bucket.look("a")
        assert found is not None
        self.assertEqual((found.size, found.etag), (len(data) + 3, tag_of(tags)))
        self.assertEqual(bucket.read("a", len(data) - 1, 100), data[-1:] + b"end")
        self.assertEqual(bucket.read("a", len(data) + 3, 1), b"")
        self.assertIsNone(bucket.parts("a", "gone"))
        bucket.abort("a", "gone")
        bucket.delete("a")
        bucket.delete("a")
        self.assertIsNone(bucket.look("a"))
        self.assertRaises(NoRecording, bucket.read, "a", 0, 1)

    def test_a_page_of_objects_is_not_all_of_them(self) -> None:
        bucket = world().server.bucket("many/")
        for number in range(3):
            bucket.put(f"2027-01-0{number + 1}/x", b"")
        event = "before-parameter-build.s3.ListObjectsV2"
        small = lambda params, **_: params.update(MaxKeys=1)  # noqa: E731
        bucket._client.meta.events.register(event, small)
        self.addCleanup(bucket._client.meta.events.unregister, event, small)
        self.assertEqual(len(list(bucket.objects(""))), 3)
        self.assertEqual(list(bucket.folders()), ["2027-01-01", "2027-01-02", "2027-01-03"])

    def test_what_the_storage_refuses_is_a_sentence_without_secrets(self) -> None:
        other = open_bucket(world().server.place("", bucket="other"))
        error = self.assertRaises(BucketError, try_bucket, other)
        text = "cannot write an object: NoSuchBucket: The specified bucket does not exist"
        self.assertEqual(str(error), text)
        self.assertNotIn(SECRET_KEY, repr(other.place))


class LibraryTests(ArchiveCase):
    def test_the_command_uploads_what_a_dead_proxy_has_left(self) -> None:
        spool = world().spool("dead")
        config = world().folder / "dead.toml"
        config.write_text(world().table("dead", "shared/vnc/"))
        world().server.bucket("shared/").put("other", b"of others")
        for number, session in enumerate(("7f3a", "7f3b")):
            keep(spool, session, BEGAN + 86400 * number, user=session)
        with Spool(spool).lock():
            result = run("recording", "upload", "--config", str(config))
            self.assertEqual(result.exit_code, 1)
            self.assertIn("another process, such as a proxy, uploads", result.output)
        result = run("recording", "upload", "--config", str(config))
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn(f"{name_of('7f3a')}: uploaded", result.output)
        self.assertEqual([each.name for each in spool.iterdir()], [".uploading"])

        library = self.library("shared/vnc/", "dead")
        self.assertEqual([each.session for each in library.entries()], ["7f3b", "7f3a"])
        entry = library.find("7f3a")
        assert entry is not None
        self.assertEqual(library.describe(entry).about.user, "7f3a")
        with library.open(entry) as file:
            file.seek(-10, os.SEEK_END)
            self.assertEqual(file.read(), recording(user="7f3a")[-10:])
        made = world().folder / "index"
        made.write_bytes(b"index")
        library.put_index(entry, made)
        with library.open_index(entry) as index:  # type: ignore[union-attr]
            self.assertEqual(index.read(), b"index")
        library.delete(entry)
        self.assertIsNone(library.find("7f3a"))
        left = {f"vnc/{name}" for name in all_names(library.find("7f3b") or entry)}
        self.assertEqual(set(self.objects("shared/")), {"other", *left} - {f"vnc/{INDEX_OF_B}"})


class CheckTests(ArchiveCase):
    def check(self, table: str) -> str:
        config = world().folder / "check.toml"
        config.write_text(table)
        program = Path(sys.executable).with_name("vncproxy")
        words = [str(program), "check-config", "--config", str(config)]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def test_the_bucket_is_tried_with_an_authority_of_its_own(self) -> None:
        output = self.check(world().table("check", "check/"))
        self.assertIn("ok    recording.s3: s3://recordings/check/ at https://localhost:", output)
        self.assertIn("ok    recording.s3.spool:", output)
        self.assertEqual(self.objects("check/"), {})

        output = self.check(world().table("check", "check/", trusts=False))
        self.assertIn("FAIL  recording.s3: cannot write an object: SSL validation failed", output)
        self.assertNotIn(SECRET_KEY, output)


INDEX_OF_B = name_of("7f3b", BEGAN + 86400).replace(".vncr", ".vncrx")


def look_until(viewer: Viewer, condition: Callable[[], bool]) -> None:
    """Let the session grow until something is so."""

    def looked() -> bool:
        viewer.pixel()
        time.sleep(0.2)  # a picture has 3 MiB
        return condition()

    until(looked, "what a growing recording brings about")


def parts(bucket: Bucket, spool: Spool) -> int:
    """Return how many parts of the only recording the bucket has."""
    for entry in spool.entries():
        for upload in bucket.uploads(entry.name):
            return len(bucket.parts(entry.name, upload) or ())
    return 0
