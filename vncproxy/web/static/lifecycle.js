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

import { BUSY, MOVING } from "./close-reasons.js";

/** Milliseconds, and tries, after which the page stops reconnecting by itself. */
const LONGEST_INTERRUPTION = 120_000;
const MOST_TRIES = 12;
/** Milliseconds: the longest delay before the first try, and before any other. */
const FIRST_DELAY = 1_000;
const FIRST_DELAY_WHEN_BUSY = 4_000;
/** The gateway has chosen a moment for each page already. */
const FIRST_DELAY_WHEN_MOVING = 200;
const LONGEST_DELAY = 32_000;
/** Milliseconds for which a screen must be shown for the next close to be a new interruption. */
const STABLE_AFTER = 10_000;

/**
 * @typedef {import("./close-reasons.js").CloseReason} CloseReason
 * @typedef {{since: number, tries: number}} Interruption - times in milliseconds
 *
 * @typedef {object} State
 * @property {"connecting"|"connected"|"waiting"|"ended"} name
 * @property {?Interruption} [interruption] - set while the page reconnects by itself
 * @property {number} [at] - connected: since when
 * @property {number} [until] - waiting: when the next try starts
 * @property {CloseReason} [closeReason] - waiting, ended: why
 * @property {boolean} [gaveUp] - ended: after trying for as long as the page does
 */

/** @returns {State} */
export const begin = () => ({ name: "connecting", interruption: null });

/** @returns {State} */
export const end = (closeReason) => ({ name: "ended", closeReason, gaveUp: false });

const TRANSITIONS = {
    connecting: {
        connected: (state, { now }) => ({ ...state, name: "connected", at: now }),
        closed: (state, { now, closeReason, random }) =>
            afterClose(state.interruption, closeReason, false, now, random),
    },
    connected: {
        closed: (state, { now, closeReason, random }) =>
            afterClose(unlessStable(state, now), closeReason, true, now, random),
    },
    waiting: {
        retry: ({ interruption: { since, tries } }) => ({
            name: "connecting",
            interruption: { since, tries: tries + 1 },
        }),
        stop: ({ closeReason }) => end(closeReason),
    },
    ended: {
        retry: begin,
    },
};

/**
 * @param {State} state
 * @param {{type: string, now?: number, random?: number, closeReason?: CloseReason}} event - an event
 *     without a transition changes nothing; random, from 0 to 1, scales the delay of the next try
 * @returns {State}
 */
export function next(state, event) {
    return TRANSITIONS[state.name][event.type]?.(state, event) ?? state;
}

/**
 * When a gateway restarts, many pages lose their consoles at once. Each reconnects after a random
 * delay, whose upper limit doubles with each try.
 */
function afterClose(interruption, closeReason, wasConnected, now, random = 1) {
    if (!reconnectsByItself(interruption, closeReason, wasConnected)) {
        return end(closeReason);
    }
    const { since, tries } = interruption ?? { since: now, tries: 0 };
    const until = now + random * Math.min(firstDelay(closeReason) * 2 ** tries, LONGEST_DELAY);
    if (until > since + LONGEST_INTERRUPTION || tries >= MOST_TRIES) {
        return { ...end(closeReason), gaveUp: true };
    }
    return { name: "waiting", closeReason, until, interruption: { since, tries } };
}

function firstDelay({ code }) {
    return { [BUSY]: FIRST_DELAY_WHEN_BUSY, [MOVING]: FIRST_DELAY_WHEN_MOVING }[code] ?? FIRST_DELAY;
}

/** The interruption that goes on; null when the screen was shown long enough to end it. */
const unlessStable = ({ at, interruption }, now) => (now - at < STABLE_AFTER ? interruption : null);

/** While the page reconnects, "not running" and the like lead to the next try. */
function reconnectsByItself(interruption, closeReason, wasConnected) {
    const reconnecting = interruption !== null && !wasConnected;
    return closeReason.reconnect === "automatic" || (reconnecting && closeReason.reconnect === "manual");
}
