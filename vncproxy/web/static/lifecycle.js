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

/** The page tries for this long before it leaves the next try to the user. */
const PATIENCE = 120_000;
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
        closed: (state, { now, ending }) => afterClose(state.interruption, ending, false, now),
    },
    connected: {
        closed: (state, { now, ending }) =>
            afterClose(now - state.at < STEADY ? state.interruption : null, ending, true, now),
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
 * @param {{type: string, now?: number, ending?: Ending}} event - one that a state does not know
 *     leaves it as it is
 * @returns {State}
 */
export function next(state, event) {
    return TRANSITIONS[state.name][event.type]?.(state, event) ?? state;
}

function afterClose(interruption, ending, wasConnected, now) {
    if (!goesOn(interruption, ending, wasConnected)) {
        return end(ending);
    }
    const { since, tries } = interruption ?? { since: now, tries: 0 };
    const until = now + Math.min(1000 * 2 ** tries, LONGEST_DELAY);
    if (until > since + PATIENCE) {
        return { ...end(ending), gaveUp: true };
    }
    return { name: "waiting", ending, until, interruption: { since, tries } };
}

/** While reconnecting, "not running yet" is an answer to wait through, not an end. */
function goesOn(interruption, ending, wasConnected) {
    const between = interruption !== null && !wasConnected;
    return ending.again === "alone" || (between && ending.again === "byHand");
}
