/** Says that the session is recorded, as the gateway does it. */

import { element } from "../page/dom.js";
import { t } from "../texts/texts.js";
import * as notices from "../page/notices.js";

export function attach(connection) {
    connection.addEventListener("screen", () => show(false));
    connection.addEventListener("told", ({ detail }) => {
        if (detail.event === "recording") {
            show(detail.on);
            if (detail.on) {
                notices.hide("recording");
            } else {
                notices.show("recording", t("This session is not recorded any more."));
            }
        }
    });
}

function show(isRecorded) {
    element("recorded").textContent = isRecorded ? t("Recorded") : "";
}
