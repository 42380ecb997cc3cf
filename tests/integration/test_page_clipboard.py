"""What passes between the clipboards of guest and computer, as the page tells and does it."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image
from twisted.internet.threads import deferToThread

from tests.components.page_case import PageTestCase
from tests.components.page_stand_in import ABOUT, Console

TOAST = "return document.querySelector('#notices .notice .text')?.textContent ?? ''"
FIELD = "return document.querySelector('#clipboard-text').value"
CHECKED = "return document.querySelector('#clipboard-sync').checked"
READ = "return await navigator.clipboard.readText()"
CAPS, REQUEST, NOTIFY, PROVIDE = 1 << 24, 1 << 25, 1 << 27, 1 << 28
IS_TEXT, IS_DIB = 1, 1 << 3
"""Actions and formats of the extended clipboard (its registry)."""

PICTURE = """
    const [item] = await navigator.clipboard.read();
    const bitmap = await createImageBitmap(await item.getType("image/png"));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const pixel = [...context.getImageData(1, 1, 1, 1).data].slice(0, 3);
    return [bitmap.width, bitmap.height, pixel];
"""
CLICK_IN_TOAST = """
    [...document.querySelectorAll('#notices button')].find((e) => e.textContent === '{}').click()
"""


class ClipboardTests(PageTestCase):
    """With the permissions that the browser's user may give."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        await self.permit("clipboardReadWrite", "clipboardSanitizedWrite")

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.js("localStorage.clear()")
        await deferToThread(self.driver.execute_cdp_cmd, "Browser.resetPermissions", {})
        await super().tearDown()

    async def permit(self, *permissions: str) -> None:
        await deferToThread(
            self.driver.execute_cdp_cmd,
            "Browser.grantPermissions",
            {"permissions": list(permissions), "origin": self.running.url.rstrip("/")},
        )

    async def open_machine(self, **about: Any) -> Console:
        self.gateway.about = {**ABOUT, **about}
        console = await self.open_screen()
        session = "return document.querySelector('#about-session').textContent"
        await self.until(session, ABOUT["session"])
        return console

    async def test_a_text_of_the_guest_is_offered_with_its_size(self) -> None:
        console = await self.open_machine()
        console.copy("zwölf Zeichen")
        await self.until(TOAST, "The machine copied 13 characters.")
        self.assertEqual(await self.js("return document.activeElement.tagName"), "CANVAS")
        await self.js(CLICK_IN_TOAST.format("Copy"))
        await self.until(TOAST, "Copied 13 characters.")
        await self.until(READ, "zwölf Zeichen")

        console.copy("x")
        await self.until(TOAST, "The machine copied 1 character.")
        await self.js(CLICK_IN_TOAST.format("Show"))
        self.assertEqual(await self.text("clipboard-size"), "1 character.")
        await self.until(TOAST, "")

        await self.write("clipboard-text", "y" * 1999)
        await self.until(FIELD, "y" * 1999)
        await self.click("clipboard-send")
        await self.until_here(lambda: console.pasted, ["y" * 1999])
        await self.until(TOAST, "Sent 1,999 characters to the machine.")

    async def test_a_text_above_the_limit_is_named_and_not_sent(self) -> None:
        await self.open_machine(clipboard_limit=10)
        await self.click("open-clipboard")
        await self.write("clipboard-text", "grüne bä")
        self.assertEqual(
            await self.text("clipboard-size"),
            "This is 10 bytes of text. At most 10 bytes may pass at a time.",
        )
        disabled = "return document.querySelector('#clipboard-send').disabled"
        self.assertTrue(await self.js(disabled))
        await self.write("clipboard-text", "\b")
        self.assertEqual(await self.text("clipboard-size"), "7 characters.")
        self.assertFalse(await self.js(disabled))

    async def test_the_dialog_follows_the_policy_in_words_and_buttons(self) -> None:
        for changed, words, copies, sends in (
            ({}, "Text copied in the machine appears here", True, True),
            ({"clipboard": "to-guest"}, "Text passes to the machine only.", False, True),
            ({"clipboard": "from-guest"}, "Text passes from the machine only.", True, False),
            ({"clipboard": "none"}, "The rules of this console let no text pass", False, False),
            ({"mode": "view-only"}, "You watch this machine, so no text", False, False),
        ):
            with self.subTest(changed):
                await self.open_machine(**changed)
                await self.click("open-clipboard")
                self.assertTrue((await self.text("clipboard-policy")).startswith(words))
                shown = await self.visible("clipboard-copy"), await self.visible("clipboard-send")
                self.assertEqual(shown, (copies, sends))
                self.assertEqual(await self.visible("clipboard-text"), copies or sends)

    async def test_it_is_kept_the_same_where_the_user_wants_it_for_this_machine_alone(self) -> None:
        console = await self.open_machine()
        await self.js("navigator.clipboard.writeText('a secret of the user')")
        self.assertFalse(await self.js(CHECKED))
        self.assertEqual(console.pasted, [])

        await self.click("open-clipboard")
        await self.click("clipboard-sync")
        await self.until_here(lambda: console.pasted, ["a secret of the user"])
        await self.click("clipboard-close")
        console.copy("from the guest")
        await self.until(TOAST, "Copied 14 characters from the machine.")
        await self.until(READ, "from the guest")

        await self.js("navigator.clipboard.writeText('another')")
        again = await self.open_machine()
        await self.until_here(lambda: again.pasted, ["another"])
        self.assertNotIn("from the guest", console.pasted)
        await self.open_machine(machine="fedcba9876543210")
        self.assertFalse(await self.js(CHECKED))

    async def test_a_page_that_may_not_read_says_so(self) -> None:
        console = await self.open_machine()
        await self.js("""
            navigator.permissions.query = async () => ({ state: "denied" });
            navigator.clipboard.readText = async () => { throw new DOMException("no"); };
        """)
        await self.click("open-clipboard")
        await self.click("clipboard-sync")
        await self.until(
            "return document.querySelector('#clipboard-note').textContent",
            "The browser does not let this page read the clipboard."
            " Allow it in the settings of this address.",
        )
        self.assertEqual(console.pasted, [])

    async def test_a_picture_of_the_guest_is_offered_and_copied(self) -> None:
        console = await self.open_machine()
        console.copy_extended(struct.pack(">3I", CAPS | REQUEST | PROVIDE | IS_TEXT | IS_DIB, 0, 0))
        await self.until_here(lambda: any(m[3] & IS_DIB for m in console.extended), True)
        for mode in ("RGB", "P"):
            console.extended.clear()
            console.copy_extended(struct.pack(">I", NOTIFY | IS_DIB))
            wanted = [struct.pack(">I", REQUEST | IS_DIB)]
            await self.until_here(lambda: console.extended, wanted)
            console.copy_extended(provided(picture(mode)))
            copied = "The machine copied a picture of 30 "
            await self.until(f"{TOAST}".replace(" ?? ''", f".startsWith('{copied}')"), True)
            await self.js(CLICK_IN_TOAST.format("Copy"))
            await self.until(PICTURE, [30, 20, [200, 30, 90]])

        for broken in (b"no bitmap", picture("RGB")[:60], b""):
            console.copy_extended(provided(broken))
            await self.until(TOAST, "The machine copied a picture that this page cannot read.")
            console.copy("a text")
            await self.until(TOAST, "The machine copied 6 characters.")


def picture(mode: str) -> bytes:
    """Return a picture of one colour as the clipboard has it: a bitmap without a file's header."""
    file = io.BytesIO()
    Image.new("RGB", (30, 20), (200, 30, 90)).convert(mode, palette=Image.Palette.ADAPTIVE).save(
        file, "BMP"
    )
    return file.getvalue()[14:]


def provided(data: bytes) -> bytes:
    """Return the message that provides a picture."""
    stream = zlib.compress(struct.pack(">I", len(data)) + data)
    return struct.pack(">I", PROVIDE | IS_DIB) + stream
