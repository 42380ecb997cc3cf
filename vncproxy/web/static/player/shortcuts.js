/** Keys that work everywhere on the page, but in fields. */

import { element } from "../page/dom.js";
import { SECOND } from "./moments.js";
import { SPEEDS, toggleFullScreen } from "./controls.js";

/** Microseconds by which the arrows and the page keys move. */
const STEP = 5 * SECOND;
const LEAP = 60 * SECOND;

export function attach(player) {
    const click = (id) => () => element(id).click();
    const actions = {
        " ": () => player.toggle(),
        k: () => player.toggle(),
        ArrowLeft: ({ shiftKey }) => player.seek(player.moment - (shiftKey ? LEAP : STEP)),
        ArrowRight: ({ shiftKey }) => player.seek(player.moment + (shiftKey ? LEAP : STEP)),
        PageDown: () => player.seek(player.moment - LEAP),
        PageUp: () => player.seek(player.moment + LEAP),
        Home: () => player.seek(0),
        End: () => player.seek(player.length),
        "-": () => faster(player, -1),
        "+": () => faster(player, 1),
        "=": () => faster(player, 1),
        t: () => element("moment").focus(),
        i: click("skip"),
        s: click("save-picture"),
        c: click("copy-link"),
        l: click("live"),
        f: toggleFullScreen,
        "?": click("details"),
    };
    addEventListener("keydown", (event) => {
        const action = actions[event.key] ?? actions[event.key.toLowerCase()];
        if (!action || event.ctrlKey || event.altKey || event.metaKey || isTaken(event)) {
            return;
        }
        event.preventDefault();
        action(event);
    });
}

/** Whether the element with the focus does something of its own with a key. */
function isTaken({ key, target }) {
    if (target.closest("dialog") || target.matches("textarea, select, input:not([type])")) {
        return true;
    }
    return (key === " " && target.matches("button, [type=checkbox]")) || key === "Tab";
}

function faster(player, by) {
    const at = SPEEDS.indexOf(player.speed) + by;
    if (SPEEDS[at]) {
        player.setSpeed(SPEEDS[at]);
    }
}
