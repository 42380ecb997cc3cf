/** Tells how long the console stays open, when it is about to close, and how to go on. */

import * as notices from "../page/notices.js";

/** Milliseconds between two looks at the clock. */
const TICK = 500;

/** What closes the console, by the member of the policy, and how to go on. */
const REASONS = {
    max_duration: ["when its time is over", "To go on after that, ask for a new link."],
    not_after: ["when its time is over", "To go on after that, ask for a new link."],
    hours: ["when its hours are over", "Finish what you do. It can be opened again at its next hours."],
    idle_timeout: ["because nothing happens", "Press a key to keep it open."],
};
const IDLE = "idle_timeout";
const TO_WATCHERS = "Press the button to keep it open.";

export function attach(connection) {
    /** id of a notice -> when the console closes, by `performance.now` */
    const ends = new Map();
    let ticking = null;

    connection.onTold("time", ({ left, why }) => {
        const id = why === IDLE ? "time-idle" : "time-end";
        if (left === null || !REASONS[why]) {
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
    const [reason, advice] = REASONS[why];
    const watches = why === IDLE && document.body.hasAttribute("data-view-only");
    return `This console closes in ${inWords(left)}, ${reason}. ${watches ? TO_WATCHERS : advice}`;
}

function inWords(seconds) {
    const [count, unit] = seconds < 60 ? [seconds, "second"] : [Math.round(seconds / 60), "minute"];
    return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

function countDown(milliseconds) {
    const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const keepOpen = (connection) => ({ label: "Keep it open", primary: true, run: () => nudge(connection.live) });

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
