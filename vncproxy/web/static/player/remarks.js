/** A line over the picture that says, for a moment, what just happened, or why there is no picture. */

import { element } from "../page/dom.js";
import { howItEnded } from "./about.js";
import { lasting, written } from "./moments.js";
import * as notices from "../page/notices.js";

const SHOWN_FOR = 2500;

export function attach(viewing) {
    let timer = null;
    const say = (text, lasts = false) => {
        clearTimeout(timer);
        element("remark").textContent = text;
        if (text && !lasts) {
            timer = setTimeout(() => say(""), SHOWN_FOR);
        }
    };
    viewing.addEventListener("skipped", ({ detail }) => say(`Skipped ${lasting(detail)} of idle time`));
    viewing.addEventListener("nothing", ({ detail }) => {
        const text = `Nothing is recorded at ${written(detail)}. The recording ends at ${written(viewing.length)}.`;
        notices.show("nothing", text);
    });
    let standing = "";
    viewing.addEventListener("moment", () => {
        const text = viewing.isLive ? "" : standingRemark(viewing);
        if (text !== standing) {
            standing = text;
            say(text, true);
        }
        document.body.toggleAttribute("data-blank", !viewing.isLive && viewing.moment < viewing.begins);
    });
}

/** What is to be said as long as the moment is shown. */
function standingRemark({ moment, begins, length, contents }) {
    if (moment < begins) {
        return `No picture yet: the first one came at ${written(begins, true)}.`;
    }
    if (moment < length) {
        return "";
    }
    if (contents.trouble) {
        return `Nothing can be shown from here on: ${contents.trouble}.`;
    }
    const how = howItEnded(contents);
    return how ? `The end: ${how}.` : "The end.";
}
