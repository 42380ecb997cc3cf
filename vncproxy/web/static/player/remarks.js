/** A line over the picture that says, for a moment, what just happened, or why there is no picture. */

import { element } from "../page/dom.js";
import { howItEnded } from "./about.js";
import { lasting, written } from "./moments.js";
import * as notices from "../page/notices.js";
import { t } from "../texts/texts.js";

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
    viewing.addEventListener("skipped", ({ detail }) => say(t("Skipped {time} of idle time", { time: lasting(detail) })));
    viewing.addEventListener("nothing", ({ detail }) => {
        const text = t("Nothing is recorded at {moment}. The recording ends at {end}.", {
            moment: written(detail),
            end: written(viewing.length),
        });
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
        return t("No picture yet: the first one came at {moment}.", { moment: written(begins, true) });
    }
    if (moment < length) {
        return "";
    }
    if (contents.trouble) {
        return t("Nothing can be shown from here on: {trouble}.", { trouble: contents.trouble });
    }
    const how = howItEnded(contents);
    return how ? t("The end: {how}.", { how }) : t("The end.");
}
