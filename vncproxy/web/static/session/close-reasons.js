/**
 * Maps close codes to texts for the user, and to whether and how the page reconnects.
 *
 * The gateway closes the web socket with a code and a sentence. Codes 4000-4099 are final, after all
 * others the user may reconnect. The sentences here are shown when the gateway sends none.
 */

import { t } from "../texts/texts.js";

/**
 * @typedef {object} CloseReason
 * @property {number} code - close code of the web socket
 * @property {string} headline
 * @property {string} reason - a sentence for the user
 * @property {"never"|"afterLogin"|"afterConfirmation"|"afterStart"|"takeBack"|"manualOnly"|"manual"|"automatic"} reconnect -
 *     how the console may be opened again: never; by the user, who logs in first; by the user, with `confirmed` in the request; by the
 *     user, who may have the machine started, and the page goes on if it reconnects already; by the user,
 *     who takes it from another one, with `take` in the request; by the user, and the page stops
 *     reconnecting (manualOnly) or goes on if it does already (manual); by the page
 */

const UNREACHABLE = [
    t("Cannot reach the console gateway"),
    t("Check your network connection. If other sites work, the gateway may be restarting, or a proxy or firewall on the way may not let web sockets through."),
];

const UPGRADE_REQUIRED = 426;
const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;
const NO_COOKIES =
    t("This browser keeps no cookies of this page, and without them a reload does not come back to a console: allow them first.");

const TEXTS = {
    1000: [t("Console closed"), t("The console was closed.")],
    1001: [t("The gateway is going away"), t("Reconnect in a moment.")],
    1006: [t("Connection lost"), t("The connection to the console gateway broke.")],
    1011: [t("The gateway had a problem"), t("Reconnect; if this happens again, tell your administrator.")],
    1012: [t("The gateway is restarting"), t("Reconnect in a moment.")],
    1013: [t("The gateway is busy"), t("Reconnect in a moment.")],
    4000: [t("This link is not complete"), t("Ask for a new console link.")],
    4001: [t("This link is not valid"), t("It may have expired or been used already. Ask for a new console link.")],
    4003: [t("Not allowed"), t("This console may not be opened from here.")],
    4004: [t("Virtual machine not found"), t("It may have been deleted.")],
    4009: [t("No graphical console"), t("This virtual machine has no screen to show.")],
    4010: [t("Ended by an administrator"), t("An administrator closed this console.")],
    4011: [t("Time limit reached"), t("The time allowed for this console is over. Ask for a new console link.")],
    4013: [t("The viewer was disconnected"), t("It sent a message that is not passed on to the virtual machine.")],
    4018: [t("The session has ended"), t("The session that this link belongs to has ended.")],
    4031: [t("Not approved"), t("The approval for this console was denied.")],
    4032: [t("This viewer cannot show it"), t("It cannot change the size of its screen.")],
    4033: [t("Approval withdrawn"), t("The approval for this console was withdrawn.")],
    4034: [t("Log in to open this console"), t("It is shown only to users who are logged in.")],
    4035: [t("A login is needed"), t("Open this link in a browser.")],
    4036: [t("This link is for another user"), t("Log in as that user, or ask for a link of your own.")],
    4100: [t("The virtual machine is not running"), t("Start it, then reconnect.")],
    4101: [t("The hypervisor shows no console"), t("Reconnect in a moment; if this goes on, tell your administrator.")],
    4102: [t("The console cannot be opened now"), t("Reconnect in a moment.")],
    4103: [t("The virtual machine closed its console"), t("It may be restarting, stopping or moving to another host.")],
    4104: [t("Another viewer has this console"), t("Reconnect to take it back.")],
    4112: [t("Closed because nothing happened"), t("Reconnect to go on.")],
    4113: [t("The gateway is restarting"), t("The console comes back by itself.")],
    4114: [t("Opened somewhere else"), t("This console was opened again in another tab or window.")],
    4115: [t("The gateway is busy"), t("The console opens by itself in a moment.")],
    4116: [t("The console moves to another server"), t("It comes back by itself.")],
    4117: [t("The virtual machine runs on another host"), t("Its console is opened there. Reconnect in a moment if it is not.")],
    4118: [t("This console is in use"), t("Try again when it is closed.")],
    4119: [t("This console was taken over"), t("Another user has it now.")],
    4120: [t("Open this console?"), t("It opens when you press the button.")],
    4121: [t("Not at this hour"), t("This console may be open at other hours only.")],
    4128: [t("This console was taken over"), t("Take it back if you need it now.")],
    4129: [t("You opened another console"), t("You may have one open at a time.")],
    4130: [t("The virtual machine is off"), t("Start it to see its screen.")],
    4140: [t("Not opened"), t("You left before the console was opened.")],
    4141: [t("Not opened in time"), t("What this console waits for did not come in time.")],
    4142: [t("Keys are held down"), t("Release them, and reconnect.")],
};
const OTHER = [t("Console closed"), t("The connection was closed.")];

/** The gateway is opening too many sessions. */
export const BUSY = 4115;

/** The gateway is being emptied, and another one takes the console over at once; the page sends it. */
export const MOVING = 4116;

/** Codes after which the page reconnects by itself. */
const AUTOMATIC = new Set([4103, 4113, BUSY, MOVING]);

/**
 * After these the page stops: another tab or user has the console, and pages that reconnect by themselves
 * would end each other's session; or the user was asked, and is to say when to be asked again.
 */
const MANUAL_ONLY = new Set([4114, 4119, 4129, 4140, 4141]);

/** Another user has the console, and this one may take it back. */
const TAKEN = 4128;

/** A confirmation is needed before the link is redeemed: mail scanners open links, too. */
const CONFIRMATION_NEEDED = 4120;

/** The console is shown to users that are logged in. */
const LOGIN_NEEDED = 4034;

/** The machine shows no screen in its present state. */
export const NOT_RUNNING = 4100;

/** The machine is off, and the link allows its user to start it. */
export const MACHINE_OFF = 4130;

/** What its sentence says of the button to users of other clients; here they are on that page. */
const ELSEWHERE = / on its page(?=\.)/;

/** The gateway responds, but its web socket did not open. */
const NO_SOCKETS = [
    t("Web sockets do not get through"),
    t("The gateway answers, but a proxy or firewall on the way lets no web sockets through. Tell your administrator."),
];

/** The link has no token, so no connection was opened. */
export const NO_TOKEN = {
    code: 4000,
    headline: t("This link is not complete"),
    reason: t("It names no console. Open the whole link, or ask for a new one where you got it."),
    reconnect: "never",
};

/** The user pressed Disconnect. */
export const BY_USER = {
    code: 1000,
    headline: t("Disconnected"),
    reason: t("You closed this console. The virtual machine keeps running."),
    reconnect: "manual",
};

/**
 * Return why an attempt ended.
 * @param {object} closed
 * @param {number} closed.code - close code of the web socket
 * @param {string} closed.reason - the server's sentence, may be empty
 * @param {boolean} closed.connected - whether the screen had been shown
 * @param {?{status: number, text: string}} [closed.answered] - the gateway's response to an
 *     ordinary request, when the web socket did not open
 * @param {boolean} [closed.cookies] - whether the browser keeps cookies of this page
 * @returns {CloseReason}
 */
export function explain({ code, reason, connected, answered = null, cookies = true }) {
    if (answered?.status === SERVICE_UNAVAILABLE) {
        return explain({ code: BUSY, reason: answered.text, connected });
    }
    const [headline, sentence] = textOf(code, reason || connected, answered);
    const more = code === 4001 && !cookies ? ` ${NO_COOKIES}` : "";
    const told = code === CONFIRMATION_NEEDED ? reason.replace(ELSEWHERE, "") : reason;
    return { code, headline, reason: (told || sentence) + more, reconnect: reconnectAfter(code, connected) };
}

function textOf(code, known, answered) {
    if (code !== 1006 || known) {
        return TEXTS[code] ?? OTHER;
    }
    switch (answered?.status) {
        case UPGRADE_REQUIRED:
            return NO_SOCKETS;
        case TOO_MANY_REQUESTS:
            return [TEXTS[4102][0], answered.text || TEXTS[4102][1]];
        default:
            return UNREACHABLE;
    }
}

function reconnectAfter(code, connected) {
    if (code === LOGIN_NEEDED) {
        return "afterLogin";
    }
    if (code >= 4000 && code <= 4099) {
        return "never";
    }
    if (code === CONFIRMATION_NEEDED) {
        return "afterConfirmation";
    }
    if (code === MACHINE_OFF) {
        return "afterStart";
    }
    if (code === TAKEN) {
        return "takeBack";
    }
    if (MANUAL_ONLY.has(code)) {
        return "manualOnly";
    }
    return AUTOMATIC.has(code) || (code === 1006 && connected) ? "automatic" : "manual";
}
