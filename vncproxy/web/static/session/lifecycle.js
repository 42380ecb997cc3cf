/**
 * The states of a console and how events lead from one to the next: pure functions, no timers.
 *
 *     connecting --connected--> connected
 *     connecting, connected --closed--> waiting | moving | ended
 *     waiting, moving --retry--> connecting        waiting, moving --stop--> ended
 *     ended --retry--> connecting
 *
 * Everything that decides whether and when the page reconnects by itself is in this file.
 */

import { BUSY, MACHINE_OFF, MOVING, NOT_RUNNING } from "./close-reasons.js";

/** Milliseconds, and tries, after which the page stops reconnecting by itself. */
const LONGEST_INTERRUPTION = 120_000;
const MOST_TRIES = 60;
/** Milliseconds: the longest delay before the first try, and before any other. */
const FIRST_DELAY = 1_000;
const FIRST_DELAY_WHEN_BUSY = 4_000;
/** The gateway has chosen a moment for each page already. */
const FIRST_DELAY_WHEN_MOVING = 200;
/** Milliseconds for which a console may be on its way before the page says that it has none. */
const LONGEST_MOVE = 5_000;
/** So that pages are back within five seconds of the end of an outage; one that is busy gets more time. */
const LONGEST_DELAY = 4_000;
const LONGEST_DELAY_WHEN_BUSY = 32_000;
/** Milliseconds for which a screen must be shown for the next close to be a new interruption. */
const STABLE_AFTER = 10_000;

/**
 * @typedef {import("./close-reasons.js").CloseReason} CloseReason
 * @typedef {{since: number, tries: number, moving: boolean}} Interruption - since in milliseconds;
 *     moving while the gateway has sent the page to another one
 *
 * @typedef {object} State
 * @property {"connecting"|"connected"|"waiting"|"moving"|"ended"} name
 * @property {?Interruption} [interruption] - set while the page reconnects by itself
 * @property {number} [at] - connected: since when
 * @property {number} [until] - waiting, moving: when the next try starts
 * @property {CloseReason} [closeReason] - waiting, moving, ended: why
 * @property {boolean} [gaveUp] - ended: after trying for as long as the page does
 */

/** @returns {State} */
export const begin = () => ({ name: "connecting", interruption: null });

/** @returns {State} */
export const end = (closeReason) => ({ name: "ended", closeReason, gaveUp: false });

/** Whether the console is on its way to another gateway, or has come by that way. */
export const onTheMove = ({ name, interruption }) => name !== "waiting" && Boolean(interruption?.moving);

const WAITING = {
    retry: ({ interruption }) => ({
        name: "connecting",
        interruption: { ...interruption, tries: interruption.tries + 1 },
    }),
    stop: ({ closeReason }) => end(closeReason),
};

const TRANSITIONS = {
    connecting: {
        connected: (state, { now }) => ({ ...state, name: "connected", at: now }),
        closed: (state, { now, closeReason, random, expectsOff }) =>
            isOff(closeReason) && expectsOff
                ? end(closeReason)
                : afterClose(state.interruption, closeReason, false, now, random),
    },
    connected: {
        closed: (state, { now, closeReason, random }) =>
            afterClose(unlessStable(state, now), closeReason, true, now, random),
    },
    waiting: WAITING,
    moving: WAITING,
    ended: {
        retry: begin,
    },
};

/**
 * @param {State} state
 * @param {{type: string, now?: number, random?: number, closeReason?: CloseReason, expectsOff?: boolean}}
 *     event - an event without a transition changes nothing; random, from 0 to 1, scales the delay of the
 *     next try; expectsOff says that the user has switched the machine off
 * @returns {State}
 */
export function next(state, event) {
    return TRANSITIONS[state.name][event.type]?.(state, event) ?? state;
}

/**
 * When a gateway restarts, many pages lose their consoles at once. Each reconnects after a random
 * delay, whose upper limit doubles with each try, up to a few seconds.
 */
function afterClose(interruption, closeReason, wasConnected, now, random = 1) {
    if (!reconnectsByItself(interruption, closeReason, wasConnected)) {
        return end(closeReason);
    }
    const sent = wasConnected && closeReason.code === MOVING;
    const { since, tries } = (!sent && interruption) || { since: now, tries: 0 };
    const moving = sent || (!wasConnected && interruption?.moving === true);
    const most = closeReason.code === BUSY ? LONGEST_DELAY_WHEN_BUSY : LONGEST_DELAY;
    const until = now + random * Math.min(firstDelay(closeReason, moving) * 2 ** tries, most);
    if (until > since + LONGEST_INTERRUPTION || tries >= MOST_TRIES) {
        return { ...end(closeReason), gaveUp: true };
    }
    const stillMoving = moving && now < since + LONGEST_MOVE;
    const name = stillMoving ? "moving" : "waiting";
    return { name, closeReason, until, interruption: { since, tries, moving: stillMoving } };
}

function firstDelay({ code }, moving) {
    if (moving) {
        return FIRST_DELAY_WHEN_MOVING;
    }
    return code === BUSY ? FIRST_DELAY_WHEN_BUSY : FIRST_DELAY;
}

/** The interruption that goes on; null when the screen was shown long enough to end it. */
const unlessStable = ({ at, interruption }, now) => (now - at < STABLE_AFTER ? interruption : null);

/** While the page reconnects, "not running" and the like lead to the next try. */
function reconnectsByItself(interruption, { reconnect }, wasConnected) {
    const reconnecting = interruption !== null && !wasConnected;
    return reconnect === "automatic" || (reconnecting && (reconnect === "manual" || reconnect === "afterStart"));
}

/** The machine is not running: the user has switched it off, if that was asked for. */
const isOff = ({ code }) => code === NOT_RUNNING || code === MACHINE_OFF;
