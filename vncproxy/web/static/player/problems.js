/** What stands in the way of a recording, in words. */

/** Why something is not shown. */
export class Problem extends Error {
    /**
     * @param {string} code - a word of the server, or one of this page
     * @param {string} [message] - the server's sentence
     * @param {number} [status] - of HTTP; 0 where nothing has answered
     */
    constructor(code, message = "", status = 0) {
        const [headline, reason] = TEXTS[code] ?? [HEADLINES[status] ?? OTHER, message];
        super(reason || message || "Try again. If that does not help, tell your administrator.");
        this.code = code;
        this.headline = headline;
        this.status = status;
    }

    /** Whether another try may go better. */
    get mayPass() {
        return this.code === "unreachable" || this.status === 429 || this.status >= 500;
    }
}

/** @returns {Promise<Problem>} why a request was answered so */
export async function problemOf(response) {
    const error = await response.json().then((body) => body.error, () => null);
    const code = error?.code ?? { 401: "link-expired", 404: "recording-not-found" }[response.status] ?? "";
    return new Problem(code, error?.message ?? "", response.status);
}

const OTHER = "The recording cannot be shown";
const HEADLINES = { 401: "This link is not valid", 403: "This is not allowed", 429: "Too many requests", 503: "Try again in a moment" };
const TEXTS = {
    "no-link": [
        "This address lacks its key",
        "A recording opens by a link that was made for you. Open the link as you got it, or ask for a new one.",
    ],
    "link-expired": [
        "This link is not valid any more",
        "Links to recordings are good for a short time. Ask for a new one where you got it.",
    ],
    "recording-not-found": [
        "There is no such recording",
        "It was removed, or the session was never recorded.",
    ],
    "recording-sealed": [
        "This recording is sealed",
        "Only the holder of its key can watch it: get the file, and run vncproxy recording play FILE --identity KEY.",
    ],
    "recording-damaged": [
        "This recording is damaged",
        "Its file was changed, or is not whole. vncproxy recording verify says where.",
    ],
    "recording-empty": [
        "Nothing was recorded",
        "The console sent no picture while this session lasted.",
    ],
    unreachable: [
        "The server does not answer",
        "Check your network, then try again.",
    ],
    "cannot-draw": [
        "A part of the recording cannot be shown",
        "The page goes on behind it.",
    ],
};
