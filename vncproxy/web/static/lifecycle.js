/**
 * The states of a console and how events lead from one to the next: pure functions, no timers.
 *
 *     connecting --connected--> connected
 *     connecting, connected --closed--> waiting | ended
 *     waiting --retry--> connecting        waiting --stop--> ended
 *     ended --retry--> connecting
 *
 * Everything that decides whether and when the page reconnects by itself is in this file.
 */

import { BUSY } from "./endings.js";

/** The page tries for this long, and so often, before it leaves the next try to the user. */
const PATIENCE = 120_000;
const MOST_TRIES = 12;
/** Milliseconds before the first try at the latest, and before any. */
const FIRST_DELAY = 1_000;
const FIRST_DELAY_WHEN_BUSY = 4_000;
const LONGEST_DELAY = 32_000;
/** A screen shown for this long was no flicker: what follows counts as a new interruption. */
const STEADY = 10_000;

/**
 * @typedef {import("./endings.js").Ending} Ending
 * @typedef {{since: number, tries: number}} Interruption - times in milliseconds
 *
 * @typedef {object} State
 * @property {"connecting"|"connected"|"waiting"|"ended"} name
 * @property {?Interruption} [interruption] - set while the page reconnects by itself
 * @property {number} [at] - connected: since when
 * @property {number} [until] - waiting: when the next try starts
 * @property {Ending} [ending] - waiting, ended: why
 * @property {boolean} [gaveUp] - ended: after trying for as long as the page does
 */

/** @returns {State} */
export const begin = () => ({ name: "connecting", interruption: null });

/** @returns {State} */
export const end = (ending) => ({ name: "ended", ending, gaveUp: false });

const TRANSITIONS = {
    connecting: {
        connected: (state, { now }) => ({ ...state, name: "connected", at: now }),
        closed: (state, { now, ending, random }) =>
            afterClose(state.interruption, ending, false, now, random),
    },
    connected: {
        closed: (state, { now, ending, random }) =>
            afterClose(now - state.at < STEADY ? state.interruption : null, ending, true, now, random),
    },
    waiting: {
        retry: ({ interruption: { since, tries } }) => ({
            name: "connecting",
            interruption: { since, tries: tries + 1 },
        }),
        stop: ({ ending }) => end(ending),
    },
    ended: {
        retry: begin,
    },
};

/**
 * @param {State} state
 * @param {{type: string, now?: number, random?: number, ending?: Ending}} event - one that a state
 *     does not know leaves it as it is; random, from 0 to 1, says when within its time a try comes
 * @returns {State}
 */
export function next(state, event) {
    return TRANSITIONS[state.name][event.type]?.(state, event) ?? state;
}

/**
 * Many pages lose their consoles in the same moment, when a gateway restarts. Each comes back at a
 * moment of its own, anywhere within a time that doubles.
 */
function afterClose(interruption, ending, wasConnected, now, random = 1) {
    if (!goesOn(interruption, ending, wasConnected)) {
        return end(ending);
    }
    const { since, tries } = interruption ?? { since: now, tries: 0 };
    const first = ending.code === BUSY ? FIRST_DELAY_WHEN_BUSY : FIRST_DELAY;
    const until = now + random * Math.min(first * 2 ** tries, LONGEST_DELAY);
    if (until > since + PATIENCE || tries >= MOST_TRIES) {
        return { ...end(ending), gaveUp: true };
    }
    return { name: "waiting", ending, until, interruption: { since, tries } };
}

/** While reconnecting, "not running yet" is an answer to wait through, not an end. */
function goesOn(interruption, ending, wasConnected) {
    const between = interruption !== null && !wasConnected;
    return ending.again === "alone" || (between && ending.again === "byHand");
}
