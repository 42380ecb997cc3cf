/** Sets the page up: reads the link, opens the connection and attaches the parts to it. */

import * as about from "./about.js";
import * as chooser from "../texts/chooser.js";
import * as clipboard from "../clipboard/dialog.js";
import * as consent from "../people/consent.js";
import * as drive from "../people/drive.js";
import * as embedding from "./embedding.js";
import * as heldback from "../session/heldback.js";
import * as invite from "../people/invite.js";
import * as keybar from "../keys/keybar.js";
import * as loupe from "../picture/loupe.js";
import * as message from "../session/message.js";
import * as mode from "../people/mode.js";
import * as overlay from "./overlay.js";
import * as people from "../people/people.js";
import * as physical from "../keys/physical.js";
import * as pointerlock from "../keys/pointerlock.js";
import * as power from "../people/power.js";
import * as quality from "../picture/quality.js";
import * as recording from "../session/recording.js";
import * as softkeyboard from "../keys/softkeyboard.js";
import * as stay from "../session/stay.js";
import * as still from "../session/still.js";
import * as time from "../session/time.js";
import * as waits from "../session/waits.js";
import * as toolbar from "./toolbar.js";
import * as typingDialog from "../keys/typing-dialog.js";
import * as view from "../picture/view.js";
import * as zoom from "../picture/zoom.js";
import { Connection } from "../session/connection.js";
import { NO_TOKEN } from "../session/close-reasons.js";
import { keepsCookies } from "../session/diagnosis.js";
import { element } from "./dom.js";
import { followed, readLink, settled, socketURL } from "../session/link.js";
import { language, t } from "../texts/texts.js";
import { guest } from "../keys/guest-layout.js";
import { describeScreen, leaveOnChord, releaseKeysOnBlur } from "./focus.js";

/** What is attached to the connection, in this order. */
const PARTS = [
    mode,
    people,
    drive,
    invite,
    recording,
    message,
    toolbar,
    keybar,
    view,
    zoom,
    loupe,
    quality,
    pointerlock,
    clipboard,
    guest,
    typingDialog,
    physical,
    overlay,
    waits,
    embedding,
    about,
    consent,
    still,
    heldback,
    time,
    power,
    stay,
    chooser,
];

/** Start the page; called once. */
export function open() {
    const link = readLink(location.href);
    const url = socketURL(location.href, link.token, keepsCookies(), language);
    const connection = new Connection(element("screen"), url);
    connection.addEventListener("screen", () => prepare(connection, link));
    connection.addEventListener("change", () => publish(connection));
    connection.addEventListener("elsewhere", ({ detail }) => follow(detail));
    for (const part of PARTS) {
        part.attach(connection, link);
    }
    softkeyboard.attach(element("soft-field"), connection);
    releaseKeysOnBlur(element("screen"));
    leaveOnChord(element("screen"), element("tools"));
    showName(link.title);
    reloadForNewLink(connection);
    disconnectWithPage(connection);
    if (link.token) {
        connection.open();
    } else {
        connection.refuse(NO_TOKEN);
    }
}

function prepare(connection, link) {
    const { rfb } = connection;
    rfb.background = "transparent";
    if (link.quality !== null) {
        rfb.qualityLevel = link.quality;
    }
    if (link.compression !== null) {
        rfb.compressionLevel = link.compression;
    }
    rfb.addEventListener("connect", () => {
        settle();
        describeScreen(element("screen"));
        // a dialog or a button that has the focus keeps it while the console moves
        if (!connection.onTheMove || document.activeElement === document.body) {
            rfb.focus({ preventScroll: true });
        }
    });
    rfb.addEventListener("desktopname", ({ detail }) => {
        if (!link.title) {
            showName(detail.name.replace(/^QEMU \((.*)\)$/, "$1"));
        }
    });
}

/** Go on at the gateway that shows the console now; the page stays where it may not go there. */
function follow({ url, isConfirmed }) {
    const target = followed(location.href, url, isConfirmed);
    if (target) {
        location.replace(target);
    }
}

/** Remove from the page's address what let it enter once, for reloads and bookmarks. */
function settle() {
    const address = settled(location.href);
    if (address !== location.href) {
        history.replaceState(null, "", address);
    }
}

/** Publish the state in data attributes, for style sheets, tests and embedding pages. */
function publish({ state: { name, closeReason }, onTheMove }) {
    document.body.dataset.state = onTheMove && name === "connecting" ? "moving" : name;
    if (closeReason) {
        document.body.dataset.closeCode = closeReason.code;
    } else {
        delete document.body.dataset.closeCode;
    }
}

/** Browsers keep a page that was left in memory, with its web socket open, for a quick return. */
function disconnectWithPage(connection) {
    addEventListener("pagehide", () => connection.disconnect());
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}

function showName(name) {
    if (name) {
        element("name").textContent = element("name").title = name;
        document.title = t("{machine} – console", { machine: name });
    }
}

/** Following a link that differs only in its fragment does not load the page again. */
function reloadForNewLink(connection) {
    const reload = () => location.reload();
    addEventListener("hashchange", () => {
        if (connection.rfb) {
            // once the console is closed, the browser does not ask whether to leave it
            connection.addEventListener("change", reload, { once: true });
            connection.disconnect();
        } else {
            reload();
        }
    });
}
