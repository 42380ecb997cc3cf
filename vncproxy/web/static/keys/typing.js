/** Text as key strokes, at a pace that guests can follow. */

import { held } from "./keys.js";
import { UNKNOWN } from "./layouts.js";

/** Milliseconds between two looks at a console that moves. */
const WHILE_MOVING = 20;

/**
 * @typedef {object} Step
 * @property {Stroke} stroke
 * @property {string} typed - the character that is complete with it, or ""
 */

/**
 * What is to be pressed for a text; characters for which there are no keys are left out.
 * @param {string} text - any line ends
 * @param {Layout} [layout] - of the machine
 * @param {boolean} [isQEMU] - whether its server is QEMU
 * @returns {Step[]}
 */
export function steps(text, layout = UNKNOWN, isQEMU = false) {
    return characters(text).flatMap((character) => {
        const strokes = layout.strokes(character, isQEMU) ?? [];
        return strokes.map((stroke, n) => ({ stroke, typed: n === strokes.length - 1 ? character : "" }));
    });
}

/** The distinct characters of a text that a layout lacks. */
export const lacking = (text, layout) => [...new Set(characters(text))].filter((each) => !layout.has(each));

const characters = (text) => [...text.replace(/\r\n?/g, "\n").normalize("NFC")];

/** Press and release the keys of a stroke, without those that are held down. */
export function strike(rfb, stroke) {
    const keys = stroke.filter(([keysym]) => !held.hasKeysym(keysym));
    keys.forEach((key) => send(rfb, key, true));
    keys.reverse().forEach((key) => send(rfb, key, false));
    held.releaseOnce(rfb);
}

function send(rfb, [keysym, code, released = keysym], down) {
    rfb.sendKey(down ? keysym : released, code, down);
}

/**
 * The milliseconds that steps take.
 * @param {Step[]} all
 * @param {number} pace - milliseconds for each event of a key
 */
export const duration = (all, pace) => pace * all.reduce((sum, { stroke }) => sum + events(stroke), 0);

const events = (stroke) => 2 * stroke.length;

/**
 * Type at a pace that guests can follow; waits while the console moves.
 *
 * QEMU takes one event of a key in each 10 milliseconds, keeps 1,024 that come sooner, and loses the
 * others. A keyboard has room for 16 bytes; a stroke with two modifiers takes 11 at most.
 * @param {Connection} connection
 * @param {Step[]} all
 * @param {object} options
 * @param {number} options.pace - milliseconds for each event of a key
 * @param {AbortSignal} options.signal - stops the typing between two strokes
 * @param {function(number): void} options.progress - called with the number of steps done
 * @returns {Promise<boolean>} whether all was typed
 */
export async function type(connection, all, { pace, signal, progress }) {
    for (const [done, { stroke }] of all.entries()) {
        while (connection.interrupted && !signal.aborted) {
            await rest(WHILE_MOVING);
        }
        if (signal.aborted || !connection.live) {
            return false;
        }
        strike(connection.live, stroke);
        progress(done + 1);
        await rest(pace * events(stroke));
    }
    return true;
}

const rest = (time) => new Promise((resume) => setTimeout(resume, time));
