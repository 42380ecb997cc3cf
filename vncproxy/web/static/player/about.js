/** The dialog with what is known of a recording. */

import { element, onClick } from "../page/dom.js";
import { SECOND, spoken } from "./moments.js";

/** How sessions end, by the code of the audit; others are shown as they are. */
const ENDS = {
    "client-gone": "the user closed the console",
    "console-ended": "the machine closed the console",
    "console-moved": "the machine moved to another host",
    "console-taken": "another viewer took the console",
    "connection-lost": "a connection was lost",
    "ended-by-administrator": "an administrator ended it",
    "time-limit": "its longest time was over",
    "idle-limit": "the user was idle for too long",
    "outside-hours": "its hours were over",
    "joined-session-ended": "the session that it had joined ended",
    "approval-withdrawn": "its approval was withdrawn",
    "user-elsewhere": "the user opened another console",
    "proxy-stopping": "the proxy stopped",
    "proxy-draining": "the proxy was emptied for maintenance",
    "mode-changed": "what the user may do was changed",
    "recording-stopped": "the recording stopped; the session may have gone on",
    "taken-over": "another user took the console over",
    "taken-over-for-now": "another user took the console over",
    superseded: "the user opened it again elsewhere",
};

export function attach() {
    onClick("details", () => element("about").showModal());
    onClick("about-close", () => element("about").close());
}

/** Show what a server says of a recording. */
export function show(contents) {
    const { started_at: startedAt, vm, user, client, proxy, session, seconds, width, height, reviewer } = contents;
    const rows = [
        ["Who", user || "no user"],
        ["When", new Date(startedAt * 1000).toLocaleString([], { dateStyle: "full", timeStyle: "long" })],
        ["Machine", vm],
        ["Address", client],
        ["Proxy", proxy],
        ["Session", session],
        ["Lasted", seconds ? spoken(seconds * SECOND) : ""],
        ["Ended", howItEnded(contents)],
        ["Screen", width ? `${width} × ${height} pixels at first` : ""],
        ["You are", reviewer],
        ["Intact", intact(contents)],
        ["Keys", contents.keys ? "are recorded, passwords among them" : "are not recorded"],
    ];
    element("facts").replaceChildren(
        ...rows.filter(([, text]) => text).flatMap(([name, text]) => [make("dt", name), make("dd", text)]),
    );
}

/**
 * @returns {string} whether the file is as it was written, as far as it says so itself: what it says of who and when
 * is part of it
 */
function intact({ state, hash, trouble }) {
    if (hash) {
        return `yes, if the audit has the same hash of it: ${hash}`;
    }
    return state !== "recording" && trouble ? "no: it is damaged, so who and when may be wrong, too" : "";
}

/** @returns {string} how the recording ended, as the end of a sentence */
export function howItEnded({ state, reason }) {
    if (state === "recording") {
        return "it goes on";
    }
    if (state === "cut") {
        return "the recording breaks off: the proxy was killed, or its machine lost power";
    }
    return ENDS[reason] ?? reason ?? "";
}

function make(tag, text) {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
}
