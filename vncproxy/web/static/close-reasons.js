/**
 * Why a console ended, in words, and whether it makes sense to open it again.
 *
 * The server closes the web socket with a code and a sentence. 4000-4099 are final, all others
 * may be tried again; the sentences here stand in where the server sends none.
 */

/**
 * @typedef {object} Ending
 * @property {number} code - close code of the web socket
 * @property {string} headline
 * @property {string} reason - a sentence for the user
 * @property {"never"|"confirmed"|"byHandOnly"|"byHand"|"alone"} again - who may reconnect: nobody,
 *     the user (with a word to the server: confirmed; also where the page is reconnecting by itself
 *     already: byHandOnly), the page itself
 */

const UNREACHABLE = [
    "Cannot reach the console gateway",
    "Check your network connection. If other sites work, the gateway may be restarting, or a proxy or firewall on the way may not let web sockets through.",
];

const UPGRADE_REQUIRED = 426;
const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;
const NO_COOKIES =
    "This browser keeps no cookies of this page, and without them a reload does not come back to a console: allow them first.";

const WORDS = {
    1000: ["Console closed", "The console was closed."],
    1001: ["The gateway is going away", "Reconnect in a moment."],
    1006: ["Connection lost", "The connection to the console gateway broke."],
    1011: ["The gateway had a problem", "Reconnect; if this happens again, tell your administrator."],
    1012: ["The gateway is restarting", "Reconnect in a moment."],
    1013: ["The gateway is busy", "Reconnect in a moment."],
    4000: ["This link is not complete", "Ask for a new console link."],
    4001: ["This link is not valid", "It may have expired or been used already. Ask for a new console link."],
    4003: ["Not allowed", "This console may not be opened from here."],
    4004: ["Virtual machine not found", "It may have been deleted."],
    4009: ["No graphical console", "This virtual machine has no screen to show."],
    4010: ["Ended by an administrator", "An administrator closed this console."],
    4011: ["Time limit reached", "The time allowed for this console is over. Ask for a new console link."],
    4100: ["The virtual machine is not running", "Start it, then reconnect."],
    4101: ["The hypervisor shows no console", "Reconnect in a moment; if this goes on, tell your administrator."],
    4102: ["The console cannot be opened now", "Reconnect in a moment."],
    4103: ["The virtual machine closed its console", "It may be restarting, stopping or moving to another host."],
    4104: ["Another viewer has this console", "Reconnect to take it back."],
    4112: ["Closed because nothing happened", "Reconnect to go on."],
    4113: ["The gateway is restarting", "The console comes back by itself."],
    4114: ["Opened somewhere else", "This console was opened again in another tab or window."],
    4115: ["The gateway is busy", "The console opens by itself in a moment."],
    4120: ["Open this console?", "It opens when you press the button."],
};
const OTHER = ["Console closed", "The connection was closed."];

/** Too many users came at once. */
export const BUSY = 4115;

/** Codes after which a guest usually comes back without anybody doing anything. */
const COMES_BACK = new Set([4103, 4113, BUSY]);

/** Another tab has the console: two that both came back by themselves would fight for it. */
const ELSEWHERE = new Set([4114]);

/** The link asks before it is redeemed: mail scanners open links, and run scripts, too. */
const ASKS = 4120;

/** The gateway answers, and yet its web socket did not open. */
const NO_SOCKETS = [
    "Web sockets do not get through",
    "The gateway answers, but a proxy or firewall on the way lets no web sockets through. Tell your administrator.",
];

/** The page has no token, so nothing was tried. */
export const NO_TOKEN = {
    code: 4000,
    headline: "This link is not complete",
    reason: "It names no console. Open the whole link, or ask for a new one where you got it.",
    again: "never",
};

/** The user pressed Disconnect. */
export const BY_USER = {
    code: 1000,
    headline: "Disconnected",
    reason: "You closed this console. The virtual machine keeps running.",
    again: "byHand",
};

/**
 * Explain the end of one attempt.
 * @param {object} story
 * @param {number} story.code - close code of the web socket
 * @param {string} story.reason - the server's sentence, may be empty
 * @param {boolean} story.connected - whether the screen had been shown
 * @param {?{status: number, words: string}} [story.answered] - what the gateway answered to an
 *     ordinary request, when a web socket did not open at all
 * @param {boolean} [story.cookies] - whether the browser keeps cookies of this page
 * @returns {Ending}
 */
export function explain({ code, reason, connected, answered = null, cookies = true }) {
    if (answered?.status === SERVICE_UNAVAILABLE) {
        return explain({ code: BUSY, reason: answered.words, connected });
    }
    const [headline, sentence] = words(code, reason || connected, answered);
    const more = code === 4001 && !cookies ? ` ${NO_COOKIES}` : "";
    return { code, headline, reason: (reason || sentence) + more, again: again(code, connected) };
}

function words(code, known, answered) {
    if (code !== 1006 || known) {
        return WORDS[code] ?? OTHER;
    }
    switch (answered?.status) {
        case UPGRADE_REQUIRED:
            return NO_SOCKETS;
        case TOO_MANY_REQUESTS:
            return [WORDS[4102][0], answered.words || WORDS[4102][1]];
        default:
            return UNREACHABLE;
    }
}

function again(code, connected) {
    if (code >= 4000 && code <= 4099) {
        return "never";
    }
    if (code === ASKS) {
        return "confirmed";
    }
    if (ELSEWHERE.has(code)) {
        return "byHandOnly";
    }
    return COMES_BACK.has(code) || (code === 1006 && connected) ? "alone" : "byHand";
}
