/** Puts the page together: reads the link, opens the connection, connects the parts to it. */

import * as clipboard from "./clipboard.js";
import * as curtain from "./curtain.js";
import * as softkeyboard from "./softkeyboard.js";
import * as toolbar from "./toolbar.js";
import * as typingDialog from "./typing-dialog.js";
import * as view from "./view.js";
import { Connection } from "./connection.js";
import { NO_TOKEN } from "./endings.js";
import { element } from "./dom.js";
import { readLink, socketURL } from "./link.js";
import { enter, guard, leaveOnChord } from "./focus.js";

/** Start the page; called once. */
export function open() {
    const link = readLink(location.href);
    const connection = new Connection(element("screen"), socketURL(location.href, link.token));
    connection.addEventListener("screen", () => prepare(connection.rfb, link));
    connection.addEventListener("change", () => publish(connection.state));
    for (const part of [toolbar, view, clipboard, typingDialog, curtain]) {
        part.attach(connection, link);
    }
    softkeyboard.attach(element("soft-field"), () => connection.live);
    guard(element("screen"));
    leaveOnChord(element("screen"), element("tools"));
    document.body.toggleAttribute("data-view-only", link.viewOnly);
    showName(link.title);
    reloadForNewLink();
    endWithThePage(connection);
    if (link.token) {
        connection.open();
    } else {
        connection.refuse(NO_TOKEN);
    }
}

function prepare(rfb, link) {
    rfb.viewOnly = link.viewOnly;
    rfb.background = "transparent";
    if (link.quality !== null) {
        rfb.qualityLevel = link.quality;
    }
    if (link.compression !== null) {
        rfb.compressionLevel = link.compression;
    }
    rfb.addEventListener("connect", () => enter(element("screen"), rfb));
    rfb.addEventListener("desktopname", ({ detail }) => {
        if (!link.title) {
            showName(detail.name.replace(/^QEMU \((.*)\)$/, "$1"));
        }
    });
}

/** Tell the state to style sheets, and to whoever looks at the page from outside. */
function publish({ name, ending }) {
    document.body.dataset.state = name;
    if (ending) {
        document.body.dataset.closeCode = ending.code;
    } else {
        delete document.body.dataset.closeCode;
    }
}

/** Browsers keep a page that was left, with its web socket open, so that going back is quick. */
function endWithThePage(connection) {
    addEventListener("pagehide", () => connection.disconnect());
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}

function showName(name) {
    if (name) {
        element("name").textContent = element("name").title = name;
        document.title = `${name} – console`;
    }
}

/** A link that differs only in its fragment does not load the page again by itself. */
function reloadForNewLink() {
    addEventListener("hashchange", () => location.reload());
}
