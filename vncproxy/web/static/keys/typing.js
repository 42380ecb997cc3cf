/**
 * Text as key strokes.
 *
 * Keys are sent as keysyms without scan codes, so that a hypervisor configured for a keyboard
 * layout translates them with it. QEMU does not press Shift by itself, so it is sent wherever a
 * US keyboard needs it.
 */

import KeyTable from "../novnc/core/input/keysym.js";
import { held } from "./keys.js";

const NEEDS_SHIFT = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;
const ON_US_KEYBOARD = /[\x20-\x7e\n\t]/;
const CONTROLS = {
    "\n": KeyTable.XK_Return,
    "\t": KeyTable.XK_Tab,
    "\b": KeyTable.XK_BackSpace,
    "\x1b": KeyTable.XK_Escape,
};
/** Milliseconds between two looks at a console that moves. */
const WHILE_MOVING = 20;
/** Added to a code point outside Latin-1 (X11 protocol, appendix A). */
const UNICODE = 0x01000000;

/**
 * @param {string} character - one code point
 * @returns {?number} null for a control character that no key stands for
 */
export function keysym(character) {
    const point = character.codePointAt(0);
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
        return CONTROLS[character] ?? null;
    }
    return point <= 0xff ? point : UNICODE + point;
}

/**
 * @param {string} text - any line ends
 * @returns {{keysym: number, shift: boolean}[]}
 */
export function strokes(text) {
    return [...text.replace(/\r\n?/g, "\n")]
        .map((character) => ({ keysym: keysym(character), shift: NEEDS_SHIFT.test(character) }))
        .filter((stroke) => stroke.keysym !== null);
}

/** The distinct characters of a text that a US keyboard does not have. */
export function notOnUSKeyboard(text) {
    return [...new Set(text.replace(/\r/g, ""))].filter((c) => !ON_US_KEYBOARD.test(c));
}

/** Send one stroke; Shift is pressed and released with it, unless it is held down. */
export function strike(rfb, { keysym: key, shift }) {
    const press = shift && !held.has("shift");
    if (press) {
        rfb.sendKey(KeyTable.XK_Shift_L, undefined, true);
    }
    rfb.sendKey(key);
    if (press) {
        rfb.sendKey(KeyTable.XK_Shift_L, undefined, false);
    }
    held.releaseOnce(rfb);
}

/**
 * Type a text at a pace that guests can follow; waits while the console moves.
 * @param {Connection} connection
 * @param {string} text
 * @param {object} options
 * @param {number} options.pause - milliseconds between two strokes
 * @param {AbortSignal} options.signal - stops the typing between two strokes
 * @param {function(number, number): void} options.progress - called with strokes done and in all
 * @returns {Promise<boolean>} whether the whole text was typed
 */
export async function type(connection, text, { pause, signal, progress }) {
    const all = strokes(text);
    for (const [done, stroke] of all.entries()) {
        while (connection.interrupted && !signal.aborted) {
            await new Promise((resume) => setTimeout(resume, WHILE_MOVING));
        }
        if (signal.aborted || !connection.live) {
            return false;
        }
        strike(connection.live, stroke);
        progress(done + 1, all.length);
        await new Promise((resume) => setTimeout(resume, pause));
    }
    return true;
}
