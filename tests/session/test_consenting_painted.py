"""Consent of TCP viewers: a screen that we paint, and then the console, on the site in memory."""

from __future__ import annotations

import struct
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.connect_users import OK, ConnectTestCase
from tests.doubles.viewer_messages import set_encodings
from tests.properties import given, settings
from tests.properties import strategies as st
from vncproxy.model import Clipboard, Decision, Mode, Policy, Verdict
from vncproxy.painted import encode
from vncproxy.painted.card import HEIGHT, WIDTH
from vncproxy.painted.encode import converter
from vncproxy.rfb import encodings as e
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_init import ServerInit
from vncproxy.testing import MemoryPeer, ScriptedRFBServer, rfb_script

MAPPED = PixelFormat(8, 8, False, False, 0, 0, 0, 0, 0, 0)
COLOUR_MAP = 6 + 256 * 6
RETURN, ESCAPE = 0xFF0D, 0xFF1B
TEXT = "Authorised use only."
WHOLE = struct.pack(">BBHHHH", 3, 0, 0, 0, 800, 600)
BIGR = PixelFormat(16, 16, True, True, 31, 63, 31, 11, 5, 0)


def pixel_format(wanted: PixelFormat) -> bytes:
    return bytes(4) + wanted.pack()


def key(keysym: int, *, down: bool) -> bytes:
    return struct.pack(">BBxxI", 4, down, keysym)


def pressed(keysym: int) -> bytes:
    return key(keysym, down=True) + key(keysym, down=False)


def pointer(buttons: int, x: int, y: int) -> bytes:
    return struct.pack(">BBHH", 5, buttons, x, y)


class PaintedTestCase(ConnectTestCase):
    def look(self, *encodings: int, version: bytes = b"RFB 003.008\n", **policy: Any) -> None:
        """Connect a viewer that knows these encodings, up to our screen."""
        token = self.issue(Policy(**{"banner": TEXT, **policy}))
        self.viewer(f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n")
        self.assertEqual(self.peer.receive(), OK + b"RFB 003.008\n")
        self.peer.send(version)
        self.peer.receive()
        self.peer.send(b"\x01\x01" if version != b"RFB 003.003\n" else b"\x01")
        heard = self.peer.receive()
        init = ServerInit.unpack(heard[4:] if version == b"RFB 003.008\n" else heard)
        assert init is not None
        self.assertEqual((init[0].width, init[0].height, init[1]), (WIDTH, HEIGHT, b""))
        self.name = init[0].name
        if encodings:
            self.peer.send(set_encodings(*encodings))

    def picture(self, size: int = 4) -> bytes:
        """Ask for the screen; returns its pixels."""
        self.peer.send(WHOLE)
        self.wait(0.3)
        heard = self.peer.receive()
        self.assertEqual(heard[:16], struct.pack(">BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, 0))
        self.assertEqual(len(heard), 16 + WIDTH * HEIGHT * size)
        return heard[16:]

    def server(
        self, width: int = 640, height: int = 400, name: str = "web-01"
    ) -> ScriptedRFBServer:
        init = ServerInit(width, height, PixelFormat(), name).pack()
        self.scripted = ScriptedRFBServer(lambda: rfb_script(server_init=init))
        return self.scripted

    def at_server(self, hypervisor: MemoryPeer) -> bytes:
        """Return what has arrived at the server since its handshake, or the last call."""
        (connection,) = self.scripted.connections
        early, connection.after_script = connection.after_script, b""
        return early + hypervisor.receive()


class SwitchTests(PaintedTestCase):
    def test_enter_leads_to_the_console_in_its_size_and_the_viewers_format(self) -> None:
        self.look(e.RAW, e.DESKTOP_SIZE)
        self.peer.send(pixel_format(BIGR))
        self.picture(2)
        self.assertEqual(self.reactor.tcpClients, [])

        self.peer.send(pressed(RETURN))
        hypervisor = self.console(self.server())

        heard = self.peer.receive()
        size = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 640, 400, e.DESKTOP_SIZE)
        self.assertEqual(heard[-16:], size)
        request = struct.pack(">BBHHHH", 3, 0, 0, 0, 640, 400)
        expected = pixel_format(BIGR) + set_encodings(e.RAW, e.DESKTOP_SIZE) + request
        self.assertEqual(self.at_server(hypervisor), expected)
        hypervisor.send(b"update")
        self.assertEqual(self.peer.receive(), b"update")
        self.peer.send(pressed(ord("x")))
        self.assertEqual(self.at_server(hypervisor), pressed(ord("x")))

    def test_the_release_of_the_key_that_accepts_does_not_arrive(self) -> None:
        self.look(e.DESKTOP_SIZE)
        self.peer.send(key(RETURN, down=True))
        self.assertEqual(self.reactor.tcpClients, [])
        self.peer.send(key(RETURN, down=False))
        hypervisor = self.console(self.server())
        self.assertNotIn(b"\xff\x0d", self.at_server(hypervisor))

    def test_keys_that_are_held_when_the_console_is_there_are_waited_for(self) -> None:
        self.look(e.DESKTOP_SIZE)
        self.peer.send(pressed(RETURN))
        self.peer.send(key(ord("a"), down=True), pointer(1, 5, 5))
        hypervisor = self.console(self.server())
        self.assertEqual(self.at_server(hypervisor), b"")

        self.peer.send(key(ord("a"), down=False) + pointer(0, 5, 5)[:3])
        self.assertEqual(self.at_server(hypervisor), b"")
        self.peer.send(pointer(0, 5, 5)[3:] + key(ord("b"), down=True)[:5])
        seen = self.at_server(hypervisor)
        self.assertEqual(seen[-5:], key(ord("b"), down=True)[:5])
        self.assertNotIn(b"a", seen)
        self.peer.send(key(ord("b"), down=True)[5:])
        self.assertEqual(self.at_server(hypervisor), key(ord("b"), down=True)[5:])

    def test_keys_held_for_ever_end_in_words(self) -> None:
        self.look(e.DESKTOP_SIZE)
        self.peer.send(pressed(RETURN) + key(ord("a"), down=True))
        self.wait(31)
        self.assertEqual(self.reactor.tcpClients, [])
        self.assertEqual(self.observer.refusals[0][1].code, "viewer-holds-keys")

    def test_what_is_no_rfb_after_consent_ends_the_session_at_once(self) -> None:
        self.look(e.DESKTOP_SIZE)
        self.peer.send(pressed(RETURN) + key(ord("a"), down=True))
        self.peer.send(b"\x63" * 10)
        self.assertEqual(self.observer.refusals[0][1].code, "downstream-violation")

    def test_extended_desktop_size_and_a_name(self) -> None:
        self.look(e.EXTENDED_DESKTOP_SIZE, e.DESKTOP_NAME)
        self.peer.send(pressed(RETURN))
        self.console(self.server(1024, 768, name="Windows"))
        heard = self.peer.receive()
        screen = struct.pack(">B3xIHHHHI", 1, 0, 0, 0, 1024, 768, 0)
        resized = struct.pack(">HHHHi", 0, 0, 1024, 768, e.EXTENDED_DESKTOP_SIZE) + screen
        named = struct.pack(">HHHHiI", 0, 0, 0, 0, e.DESKTOP_NAME, 7) + b"Windows"
        self.assertTrue(heard.endswith(struct.pack(">BxH", 0, 2) + resized + named))

    def test_a_viewer_that_cannot_resize_shows_what_fits(self) -> None:
        self.look(e.RAW)
        self.peer.send(pressed(RETURN))
        hypervisor = self.console(self.server())
        self.peer.receive()
        self.assertIn(set_encodings(e.RAW), self.at_server(hypervisor))

    def test_a_viewer_that_cannot_resize_is_told_so_by_a_picture(self) -> None:
        self.look(e.RAW)
        self.peer.send(pressed(RETURN))
        self.console(self.server(1024, 768))
        self.assertEqual(self.observer.refusals[0][1].code, "viewer-cannot-resize")
        self.picture()
        self.peer.send(pressed(ESCAPE))
        self.assertTrue(self.peer.half_closed)

    def test_versions_of_old(self) -> None:
        for version in (b"RFB 003.003\n", b"RFB 003.007\n"):
            self.look(e.DESKTOP_SIZE, version=version)
            self.peer.send(pressed(RETURN))
            self.assertNotEqual(self.at_server(self.console(self.server())), b"")

    def test_view_only_and_no_clipboard_begin_at_a_message(self) -> None:
        self.look(*(e.RAW, e.DESKTOP_SIZE), mode=Mode.VIEW_ONLY, clipboard=Clipboard.NONE)
        self.assertTrue(self.name.endswith("(view only)"), self.name)
        self.peer.send(pixel_format(BIGR), pressed(RETURN))
        hypervisor = self.console(self.server())
        self.peer.receive()
        self.assertTrue(self.at_server(hypervisor).endswith(WHOLE[:6] + b"\x02\x80\x01\x90"))
        self.peer.send(pressed(ord("x")) + WHOLE)
        self.assertEqual(self.at_server(hypervisor), WHOLE)
        # two pixels of the viewer's format, then a text of the guest, which does not pass
        update = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 2, 1, e.RAW) + b"\xf8\0\x07\xe0"
        hypervisor.send(update + struct.pack(">B3xI", 3, 4) + b"text" + b"\2")
        self.assertEqual(self.peer.receive(), update + b"\2")


class CardTests(PaintedTestCase):
    def test_formats_of_all_sizes(self) -> None:
        for wanted in (
            PixelFormat(8, 8, False, True, 7, 7, 3, 0, 3, 6),
            BIGR,
            PixelFormat(32, 24, True, True, 255, 255, 255, 16, 8, 0),
        ):
            self.look(e.RAW)
            self.peer.send(pixel_format(wanted))
            pixels = self.picture(wanted.bytes_per_pixel)
            self.assertGreater(len(set(pixels)), 1)

    def test_a_colour_map_is_sent_where_one_is_wanted(self) -> None:
        self.look(e.RAW)
        self.peer.send(pixel_format(MAPPED), WHOLE)
        heard = self.peer.receive()
        self.assertEqual(heard[:6], struct.pack(">BxHH", 1, 0, 256))
        self.assertEqual(len(heard), COLOUR_MAP + 16 + WIDTH * HEIGHT)
        self.wait(0.3)
        self.picture(1)

    def test_formats_that_no_picture_is_asked_in_cost_nothing(self) -> None:
        self.look(e.RAW)
        made: list[PixelFormat] = []

        def counted(wanted: PixelFormat) -> encode.Converter:
            made.append(wanted)
            return converter(wanted)

        self.patch(encode, "converter", counted)
        self.peer.send((pixel_format(MAPPED) + pixel_format(BIGR)) * 1600 + pixel_format(MAPPED))
        self.assertEqual((made, self.peer.receive()), ([], b""))
        self.peer.send(WHOLE)
        self.assertEqual(len(self.peer.receive()), COLOUR_MAP + 16 + WIDTH * HEIGHT)
        self.assertEqual(len(made), 1)

    def test_a_viewer_that_does_not_read_gets_no_more_colour_maps(self) -> None:
        self.look(e.RAW)
        self.peer.send(WHOLE)
        most = self.peer.most
        for _ in range(100):
            self.peer.send(pixel_format(MAPPED) + WHOLE)
            self.wait(0.3)
        self.assertEqual(self.peer.most, most)

    def test_more_keys_than_a_person_holds_end_the_session(self) -> None:
        self.look(e.RAW)
        self.peer.send(b"".join(key(0x100 + n, down=True) for n in range(64)) * 2)
        self.assertEqual(self.observer.refusals, [])
        self.peer.send(key(0x200, down=True))
        self.assertEqual(self.observer.refusals[0][1].code, "downstream-violation")

    def test_a_long_text_scrolls(self) -> None:
        self.look(e.RAW, banner="word " * 700)
        first = self.picture()
        self.peer.send(pressed(0xFF56))
        second = self.picture()
        self.peer.send(pointer(8, 1, 1) * 1 + pointer(0, 1, 1))
        third = self.picture()
        self.assertEqual(len({first, second, third}), 3)
        self.peer.send(pressed(0xFF50))
        self.assertEqual(self.picture(), first)

    def test_the_buttons_can_be_clicked(self) -> None:
        self.look(e.DESKTOP_SIZE)
        self.peer.send(pointer(1, 60, 540) + pointer(0, 400, 300))
        self.assertEqual(self.reactor.tcpClients, [])
        self.peer.send(pointer(1, 60, 540) + pointer(0, 61, 541))
        self.console(self.server())

    def test_escape_leaves_and_gives_the_use_back(self) -> None:
        self.look(e.RAW)
        self.peer.send(pressed(ESCAPE))
        self.assertEqual(self.observer.refusals[0][1].code, "banner-declined")
        self.picture()
        self.wait(9)
        self.assertTrue(self.peer.half_closed)
        self.assertIn("restore", self.store.calls)

    def test_what_is_no_rfb_ends_the_session(self) -> None:
        self.look(e.RAW)
        self.peer.send(b"\x63" * 10)
        self.assertEqual(self.observer.refusals[0][1].code, "downstream-violation")

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.binary(min_size=1, max_size=60), max_size=6))
    def test_any_bytes_end_it_with_a_reason_or_not_at_all(self, pieces: list[bytes]) -> None:
        self.look(e.RAW)
        before = len(self.observer.refusals)
        self.peer.send(*pieces)
        self.wait(0.3)
        codes = {error.code for _, error in self.observer.refusals[before:]}
        self.assertLessEqual(codes, {"downstream-violation", "banner-declined"})
        self.peer.close()
        self.wait(31)

    def test_any_segmentation_leads_to_the_same_messages_of_the_server(self) -> None:
        said = pixel_format(BIGR) + set_encodings(e.DESKTOP_SIZE) + WHOLE + pressed(RETURN)
        seen = set()
        for size in (1, 3, 7, len(said)):
            self.look()
            self.peer.send(*(said[at : at + size] for at in range(0, len(said), size)))
            seen.add(self.at_server(self.console(self.server())))
            self.peer.close()
        self.assertEqual(len(seen), 1)

    def test_a_proxy_that_stops_waits_little_for_the_last_card(self) -> None:
        self.look(e.RAW)
        stopping = Deferred.fromCoroutine(self.sessions.stop())
        self.picture()
        self.wait(2.1)
        self.assertTrue(self.peer.half_closed)
        self.peer.close()
        self.successResultOf(stopping)

    def test_a_viewer_that_leaves_ends_the_wait(self) -> None:
        self.look(e.RAW)
        self.peer.close()
        self.assertEqual(self.live_sessions(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_pictures_are_not_painted_without_end(self) -> None:
        self.look(e.RAW)
        self.peer.send(WHOLE * 50)
        self.assertEqual(len(self.peer.receive()), 16 + WIDTH * HEIGHT * 4)


class ApprovalTests(PaintedTestCase):
    def test_it_shows_who_has_approved_and_then_the_console(self) -> None:
        self.look(e.DESKTOP_SIZE, banner="", approval=2)
        before = self.picture()
        self.approve("bob")
        self.assertNotEqual(self.picture(), before)
        self.peer.send(pressed(RETURN))
        self.assertEqual(self.reactor.tcpClients, [])
        self.approve("eve")
        self.console(self.server())

    def test_a_denial_is_painted(self) -> None:
        self.look(e.DESKTOP_SIZE, banner="", approval=1)
        before = self.picture()
        self.decide(Decision(Verdict.DENY, "desk", "bob", "not now"))
        self.assertNotEqual(self.picture(), before)
        self.wait(9)
        self.assertTrue(self.peer.half_closed)

    def approve(self, person: str) -> None:
        self.decide(Decision(Verdict.APPROVE, "desk", person))

    def decide(self, decision: Decision) -> None:
        (session,) = self.live_sessions()
        self.successResultOf(Deferred.fromCoroutine(self.sessions.decide(session.id, decision)))
