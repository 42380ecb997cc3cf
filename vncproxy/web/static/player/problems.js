/** What stands in the way of a recording, in words. */

import { t } from "../texts/texts.js";

/** Why something is not shown. */
export class Problem extends Error {
    /**
     * @param {string} code - a word of the server, or one of this page
     * @param {string} [message] - the server's sentence
     * @param {number} [status] - of HTTP; 0 where nothing has answered
     */
    constructor(code, message = "", status = 0) {
        const [headline, reason] = TEXTS[code] ?? [HEADLINES[status] ?? OTHER, AGAIN];
        super(message || reason);
        this.code = code;
        this.headline = headline;
        this.status = status;
    }

    /** Whether another try may go better. */
    get mayPass() {
        return ["unreachable", "being-made"].includes(this.code) || this.status === 429 || this.status >= 500;
    }
}

/** @returns {Promise<Problem>} why a request was answered so */
export async function problemOf(response) {
    const error = await response.json().then((body) => body.error, () => null);
    const code = error?.code ?? { 401: "link-ended", 404: "not-found" }[response.status] ?? "";
    return new Problem(code, error?.message ?? "", response.status);
}

const OTHER = t("The recording cannot be shown");
const AGAIN = t("Try again. If that does not help, tell your administrator.");
const HEADLINES = {
    401: t("This link is not valid"),
    403: t("This is not allowed"),
    404: t("There is no such recording"),
    429: t("Too many requests"),
    503: t("Not at the moment"),
};
/** Headlines, and sentences for problems of which the server says nothing. */
const TEXTS = {
    "no-link": [
        t("This address lacks its key"),
        t("A recording opens by a link that was made for you. Open the link as you got it, or ask for a new one."),
    ],
    "link-ended": [
        t("This link is not valid any more"),
        t("Links to recordings are good for a short time. Ask for a new one where you got it."),
    ],
    "recording-deleted": [t("This recording was deleted"), t("Nothing of it is left here.")],
    "recording-elsewhere": [t("Another proxy has this recording"), t("Ask your administrator.")],
    "recording-sealed": [
        t("This recording is sealed"),
        t("Only the holder of its key can watch it: get the file, and run vncproxy recording play FILE --identity KEY."),
    ],
    "recording-unplayable": [
        t("This recording cannot be played"),
        t("Its file was changed, or is not whole. vncproxy recording verify says where."),
    ],
    "recording-changed": [t("This recording was changed"), t("Ask your administrator.")],
    "recording-empty": [t("Nothing was recorded"), t("The console sent no picture while this session lasted.")],
    "too-many-reviewers": [t("Too many people follow sessions"), t("Try again later.")],
    "being-made": [t("The recording is prepared anew"), t("Try again in a moment.")],
    unreachable: [t("The server does not answer"), t("Check your network, then try again.")],
    "cannot-draw": [t("A part of the recording cannot be shown"), t("Move on to a later moment.")],
};
