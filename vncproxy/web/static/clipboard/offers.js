/** Cards that say what was copied in the machine, or sent to it, and that leave by themselves. */

import { hide, isUsed, show } from "../page/notices.js";

const NOTICE = "clipboard";
/** Milliseconds for which a card is shown: one that only tells, and one that can be acted on. */
const TOLD_FOR = 4_000;
const OFFERED_FOR = 15_000;
let timer = 0;

/**
 * @param {string} text
 * @param {import("../page/notices.js").Action[]} [actions]
 */
export function tell(text, actions = []) {
    show(NOTICE, text, actions);
    leaveAfter(actions.length ? OFFERED_FOR : TOLD_FOR);
}

/** Remove the card at once. */
export function forget() {
    clearTimeout(timer);
    hide(NOTICE);
}

/** A card under the pointer, or with the focus in it, stays. */
function leaveAfter(time) {
    clearTimeout(timer);
    timer = setTimeout(() => (isUsed(NOTICE) ? leaveAfter(TOLD_FOR) : hide(NOTICE)), time);
}
