/** Messages of the operator to the user, which stay until they are dismissed. */

import { hide, show } from "../page/notices.js";
import { t, time } from "../texts/texts.js";

/** How many stay at the same time. */
const MOST = 3;
/** The ids of the cards that are shown, the oldest first. */
const shown = [];
let last = 0;

export function attach(connection) {
    connection.onTold("message", ({ text }) => tell(String(text)));
}

function tell(text) {
    const id = `message-${++last}`;
    shown.push(id);
    if (shown.length > MOST) {
        hide(shown.shift());
    }
    const at = time(new Date(), { timeStyle: "short" });
    show(id, t("Message from the operator: {text}", { text }), [], at);
}
