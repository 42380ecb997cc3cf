/** The dialog with what is known of a recording. */

import { element, onClick } from "../page/dom.js";
import { SECOND, spoken } from "./moments.js";
import { t, time } from "../texts/texts.js";

/** How sessions end, by the code of the audit; others are shown as they are. */
const ENDS = {
    "client-gone": t("the user closed the console"),
    "console-ended": t("the machine closed the console"),
    "console-moved": t("the machine moved to another host"),
    "console-taken": t("another viewer took the console"),
    "connection-lost": t("a connection was lost"),
    "ended-by-administrator": t("an administrator ended it"),
    "time-limit": t("its longest time was over"),
    "idle-limit": t("the user was idle for too long"),
    "outside-hours": t("its hours were over"),
    "joined-session-ended": t("the session that it had joined ended"),
    "approval-withdrawn": t("its approval was withdrawn"),
    "user-elsewhere": t("the user opened another console"),
    "proxy-stopping": t("the proxy stopped"),
    "proxy-draining": t("the proxy was emptied for maintenance"),
    "mode-changed": t("what the user may do was changed"),
    "recording-stopped": t("the recording stopped; the session may have gone on"),
    "taken-over": t("another user took the console over"),
    "taken-over-for-now": t("another user took the console over"),
    superseded: t("the user opened it again elsewhere"),
};

export function attach() {
    onClick("details", () => element("about").showModal());
    onClick("about-close", () => element("about").close());
}

/** Show what a server says of a recording. */
export function show(contents) {
    const { started_at: startedAt, vm, user, client, proxy, session, seconds, width, height, reviewer } = contents;
    const rows = [
        [t("Who"), user || t("no user")],
        [t("When"), time(new Date(startedAt * 1000), { dateStyle: "full", timeStyle: "long" })],
        [t("Machine"), vm],
        [t("Address"), client],
        [t("Proxy"), proxy],
        [t("Session"), session],
        [t("Lasted"), seconds ? spoken(seconds * SECOND) : ""],
        [t("Ended"), howItEnded(contents)],
        [t("Screen"), width ? t("{width} × {height} pixels at first", { width: String(width), height: String(height) }) : ""],
        [t("You are"), reviewer],
        [t("Intact"), intact(contents)],
        [t("Keys"), contents.keys ? t("are recorded, passwords among them") : t("are not recorded")],
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
        return t("yes, if the audit has the same hash of it: {hash}", { hash });
    }
    return state !== "recording" && trouble ? t("no: it is damaged, so who and when may be wrong, too") : "";
}

/** @returns {string} how the recording ended, as the end of a sentence */
export function howItEnded({ state, reason }) {
    if (state === "recording") {
        return t("it goes on");
    }
    if (state === "cut") {
        return t("the recording breaks off: the proxy was killed, or its machine lost power");
    }
    return ENDS[reason] ?? reason ?? "";
}

function make(tag, text) {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
}
