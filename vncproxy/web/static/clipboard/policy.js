/** What the policy of a session lets pass, in bytes and in words; the gateway enforces it. */

import { inBytes } from "../page/sizes.js";
import { t } from "../texts/texts.js";

/** Bytes that the gateway takes from a page at once, where the policy has no limit of its own. */
const MOST = 1_000_000;

const WORDS = {
    "both": t("Text copied in the machine appears here, and you can send it text."),
    "to-guest": t("Text passes to the machine only. What is copied there stays there."),
    "from-guest": t("Text passes from the machine only. You cannot send it any."),
    "none": t("The rules of this console let no text pass, in neither direction."),
    "view-only": t("You watch this machine, so no text passes, in neither direction."),
};

/**
 * @typedef {object} Allowance
 * @property {boolean} toGuest
 * @property {boolean} fromGuest
 * @property {number} limit - bytes at a time
 * @property {string} words - sentences for the user
 *
 * @param {?object} about - the gateway's answer; null for a gateway that gives none
 * @returns {Allowance}
 */
export function allowance(about) {
    const { mode = "control", clipboard = "both", clipboard_limit: most = null } = about ?? {};
    const direction = mode === "view-only" ? mode : clipboard;
    const nothing = direction === "none" || direction === "view-only";
    return {
        toGuest: direction === "both" || direction === "to-guest",
        fromGuest: direction === "both" || direction === "from-guest",
        limit: Math.min(most ?? MOST, MOST),
        words: most === null || nothing
            ? WORDS[direction]
            : t("{direction} At most {size} at a time.", { direction: WORDS[direction], size: inBytes(most) }),
    };
}

/** @returns {number} bytes of a text as it is sent, with the line ends of the clipboard and an end */
export function sizeOf(text) {
    return new TextEncoder().encode(text.replaceAll(/\r?\n/g, "\r\n")).length + 1;
}

/**
 * @param {string} text
 * @param {number} limit - bytes
 * @returns {string} why a text may not be sent; "" where it may
 */
export function refusal(text, limit) {
    const size = sizeOf(text) - 1;
    return size + 1 > limit
        ? t("This is {size} of text. At most {most} may pass at a time.", { size: inBytes(size), most: inBytes(limit) })
        : "";
}
