"""The console page and the player: static files over noVNC, and their content security policy.

- `install`: puts noVNC from npm into the static files, at build time.
- `preloading`: names in a page all modules that its script imports.

The page is `STATIC / "index.html"`; it finds its files at `static/` and its web socket at
`websockify`, both relative to its own address, so that any path prefix works. Its modules are in
rooms below ``static/``, in reading order:

- ``console.js``: the entry, which reports a page that did not load completely.
- ``page/``: what every part of the page builds on.
  ``page.js`` sets the page up; ``toolbar.js``: the toolbar and its menus; ``overlay.js``: the
  card shown in place of the screen; ``notices.js``: small cards at the screen's edge, with
  actions; ``about.js``: what the user may know of the session; ``sizes.js``: sizes in words;
  ``focus.js``: the keyboard focus of the screen; ``embedding.js``, ``colours.js``: pages in a
  frame: what they tell the page around them, and how they look like it; ``remembered.js``:
  choices that the browser keeps; ``dom.js``: access to elements.
- ``texts/``: what the page says, in its language.
  ``language.js``: which one; ``catalogue.js``: its texts, loaded beside the rest; ``markup.js``:
  translates HTML; ``texts.js``: what modules say, numbers and lists; ``chooser.js``: the choice.
- ``session/``: the console as a connection.
  ``link.js`` reads the page's address: token and settings; ``connection.js`` opens the console and
  keeps it open; ``lifecycle.js``: its states, and when the page reconnects; ``close-reasons.js``:
  texts for close codes, and whether they allow to reconnect; ``waits.js``: what is waited for,
  and since when; ``diagnosis.js``: why a web socket
  closed without a reason; ``channel.js``: messages between the page and the gateway, beside the
  console; ``still.js``, ``heldback.js``: the picture and the typed keys while the console moves;
  ``time.js``: how long the console stays open; ``stay.js``: against pages that are closed by
  accident, and screens that sleep; ``recording.js`` says that the session is recorded;
  ``message.js`` shows messages of the operator.
- ``keys/``: what is typed.
  ``keys.js``: key chords and held keys; ``layouts.js``: keyboard layouts of guests, in the files
  of `vncproxy.keyboard` (``layouts/`` is a link to them); ``guest-layout.js``: the machine's one;
  ``physical.js``: the user's own keyboard; ``typing.js``, ``typing-dialog.js``: text
  as key strokes, and the dialog that sends it; ``softkeyboard.js``, ``keybar.js``: on-screen
  keyboards of phones and tablets, the keys that they lack, and input methods; ``keyevents.js``:
  events of the keyboard, for another element; ``pointerlock.js``: the mouse pointer, kept on the
  screen.
- ``picture/``: what is seen.
  ``view.js``: scaling, panning, full screen; ``picture.js``: the screen as a file; ``zoom.js``,
  ``loupe.js``: a closer look, by touch as well; ``displays.js``, ``displays-rfb.js``: one of
  several displays alone; ``quality.js``: how sharp the picture is; ``meter.js``: what the
  connection carries.
- ``clipboard/``: what passes between the clipboards of guest and computer.
  ``dialog.js``: the dialog, and what is told; ``policy.js``: what may pass, in bytes and words;
  ``pictures-rfb.js``, ``dib.js``: pictures of the guest; ``offers.js``: cards about it;
  ``sync.js`` keeps both the same, where the user wants it.
- ``people/``: who may do what.
  ``mode.js``: whether the user may control the machine; ``people.js``, ``drive.js``, ``invite.js``:
  the others at the machine, the control that one of them has at a time, and links for guests;
  ``consent.js``: the dialog with what is to be accepted, or approved, first; ``power.js`` starts,
  stops and resets the machine, and asks first.
- ``style/``: the style sheets, in the order in which the page names them.

The page for those who come without a token is ``start/start.html``, served at the public URL. Its
modules, in reading order:

- ``start.js``: the entry; leads to the console of a link whose token is in the fragment.
- ``page.js``: sets the page up.
- ``problems.js``: why a user was not logged in, in words.
- ``requests.js``: what the page asks of the gateway.
- ``return.js``: the console that a user wanted to open before the login.
- ``entrance.js``: the ways to log in.
- ``machines.js``: the machines of a user.
- ``pictures.js``: small pictures of their screens.

The page that plays recordings is ``player/player.html``, served at ``recordings/SESSION``. Its
modules, in reading order:

- ``player.js``, ``page.js``: the entry; sets the page up.
- ``link.js``: reads the address, and keeps the moment in it.
- ``source.js``: gets contents, segments, what comes live, and the file.
- ``problems.js``: why something is not shown, in words.
- ``entries.js``: takes segments apart.
- ``channel.js``, ``screen.js``: a server of RFB inside the page; noVNC, fed by it.
- ``playback.js``: the clock of a recording, and what of it is drawn.
- ``live.js``: follows a session that is being recorded.
- ``viewing.js``: which of the two is watched.
- ``viewer.js``, ``acted.js``, ``pointer.js``, ``pressed.js``: what the viewer did: messages,
  pointer, keys.
- ``moments.js``: moments in words.
- ``timeline.js``, ``controls.js``, ``shortcuts.js``: the time line, buttons and fields, keys.
- ``remarks.js``, ``overlay.js``, ``about.js``: what happens, what is awaited or wrong, and
  what is known of the session.
- ``saving.js``: the picture, a link to the moment, the file.

The operator's page is ``dashboard/dashboard.html``, served at the root of the API. Its modules, in
reading order:

- ``dashboard.js``, ``tabs.js``: the entry, which asks for a key; the views that the page has.
- ``key.js``, ``rights.js``: the API key of the tab, and what it may do.
- ``api.js``, ``events.js``: requests of the API, and its stream of events.
- ``refreshing.js``: asks for a list again when it may have changed.
- ``table.js``, ``pages.js``, ``filter.js``: tables, the pages of long lists, and their criteria.
- ``sessions.js``, ``session-actions.js``: live sessions, and what is done with one.
- ``proxies.js``, ``refusals.js``, ``tokens.js``, ``recordings.js``: the other views.
- ``dialog.js``, ``said.js``: asks before something is done, and says what became of it.
- ``make.js``, ``words.js``: elements of text that may come from anybody; numbers in words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "DASHBOARD",
    "STATIC",
    "content_security_policy",
    "novnc_installed",
]

STATIC: Final = Path(__file__).with_name("static")
"""The folder to serve as `static/`; its `index.html` is the page."""


DASHBOARD: Final = STATIC / "dashboard" / "dashboard.html"
"""The operator's page, which finds its files at `static/`."""


def content_security_policy(frame_ancestors: str = "'self'") -> str:
    """Return the `Content-Security-Policy` under which the page works.

    noVNC draws JPEG rectangles and the mouse cursor through `data:` images; `'self'` in
    `connect-src` covers the web socket of the same origin.

    Args:
        frame_ancestors: sources of the directive `frame-ancestors`: the pages that may show this
            one in a frame, such as portals.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {frame_ancestors}",
        )
    )


CONTENT_SECURITY_POLICY: Final = content_security_policy()
"""The policy for a page that only its own origin may embed."""


def novnc_installed() -> bool:
    """Tell whether `install` has put noVNC into `STATIC`."""
    return (STATIC / "novnc" / "VERSION").is_file()
