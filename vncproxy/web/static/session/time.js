/** Tells how long the console stays open, when it is about to close, and how to go on. */

import * as notices from "../page/notices.js";
import { t, tn } from "../texts/texts.js";

/** Milliseconds between two looks at the clock. */
const TICK = 500;

const OVER = [
    (time) => t("This console closes in {time}, when its time is over. To go on after that, ask for a new link.", { time }),
];
/** What closes the console, and how to go on, by the member of the policy. */
const SENTENCES = {
    max_duration: OVER,
    not_after: OVER,
    hours: [
        (time) => t("This console closes in {time}, when its hours are over. Finish what you do. It can be opened again at its next hours.", { time }),
    ],
    idle_timeout: [
        (time) => t("This console closes in {time}, because nothing happens. Press a key to keep it open.", { time }),
        (time) => t("This console closes in {time}, because nothing happens. Press the button to keep it open.", { time }),
    ],
};
const IDLE = "idle_timeout";

export function attach(connection) {
    /** id of a notice -> when the console closes, by `performance.now` */
    const ends = new Map();
    let ticking = null;

    connection.onTold("time", ({ left, why }) => {
        const id = why === IDLE ? "time-idle" : "time-end";
        if (left === null || !SENTENCES[why]) {
            remove(id);
            return;
        }
        ends.set(id, performance.now() + 1000 * left);
        notices.show(id, sentence(left, why), why === IDLE ? [keepOpen(connection)] : []);
        tick();
        ticking ??= setInterval(tick, TICK);
    });
    connection.addEventListener("change", () => {
        if (!connection.live) {
            [...ends.keys()].forEach(remove);
        }
    });

    function tick() {
        ends.forEach((end, id) => notices.setDetail(id, countDown(end - performance.now())));
    }

    function remove(id) {
        ends.delete(id);
        notices.hide(id);
        if (ends.size === 0) {
            clearInterval(ticking);
            ticking = null;
        }
    }
}

function sentence(left, why) {
    const watches = document.body.hasAttribute("data-view-only");
    const [say, toWatchers = say] = SENTENCES[why];
    return (watches ? toWatchers : say)(inWords(left));
}

function inWords(seconds) {
    return seconds < 60
        ? tn("{count} second", "{count} seconds", seconds)
        : tn("{count} minute", "{count} minutes", Math.round(seconds / 60));
}

function countDown(milliseconds) {
    const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const keepOpen = (connection) => ({ label: t("Keep it open"), primary: true, run: () => nudge(connection.live) });

/**
 * Send something that the gateway counts as the user's, and that neither types nor clicks: the list of
 * encodings, which noVNC sends when one of its levels changes.
 */
function nudge(rfb) {
    if (rfb) {
        const level = rfb.compressionLevel;
        rfb.compressionLevel = (level + 1) % 10;
        rfb.compressionLevel = level;
    }
}
