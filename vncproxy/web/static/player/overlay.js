/** The card in place of the picture: what is awaited, or why nothing is shown. */

import { element, onClick } from "../page/dom.js";
import { t } from "../texts/texts.js";

export function attach(onAgain) {
    onClick("again", onAgain);
}

/** Show that something is awaited. */
export function wait(headline, reason = "", progress = null) {
    show(headline, reason);
    element("spinner").hidden = progress !== null;
    element("making").hidden = progress === null;
    element("making").value = progress ?? 0;
}

/** Show why there is no picture. */
export function fail(problem) {
    show(problem.headline ?? t("The recording cannot be shown"), problem.message);
    element("spinner").hidden = true;
    element("again").hidden = !(problem.mayPass ?? true);
    element("card").focus({ preventScroll: true });
}

/** Show the picture. */
export function hide() {
    element("overlay").hidden = true;
}

function show(headline, reason) {
    element("overlay").hidden = false;
    element("headline").textContent = headline;
    element("reason").textContent = reason;
    element("making").hidden = element("again").hidden = true;
}
