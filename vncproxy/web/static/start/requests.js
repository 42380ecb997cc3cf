/** Requests of the start page, and what to say when they fail. */

import { t } from "../texts/texts.js";

/** A request that was refused. */
export class Refused extends Error {
    /**
     * @param {number} status - of HTTP; 0 where the gateway was not reached
     * @param {string} message - a sentence for the user
     */
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

const UNREACHABLE = t("The gateway does not answer. Check your network connection, then try again.");

/**
 * The ways to log in, and who is logged in; null where there is no way.
 * @returns {Promise<?{login: ?string, keys: boolean, user: ?{name: string, key: boolean}}>}
 */
export async function readState() {
    try {
        return await ask("start/state");
    } catch (error) {
        if (error.status === 404) {
            return null;
        }
        throw error;
    }
}

/** The machines of the user. */
export const readMachines = () => ask("start/machines");

/** A link to a machine. */
export async function openMachine(vm) {
    return (await ask(`start/open?${new URLSearchParams({ vm })}`, { method: "POST" })).url;
}

/** Enter with a key of the API. */
export const enterByKey = (key) =>
    ask("start/key", { method: "POST", headers: { Authorization: `Bearer ${key}` } });

export const logOut = () => ask("start/logout", { method: "POST" });

/** A small picture of a machine's screen, or null where there is none now. */
export async function readPicture(vm) {
    const response = await send(`start/picture?${new URLSearchParams({ vm })}`);
    if (response.status === 429 || response.status === 503) {
        throw new Refused(response.status, "");
    }
    return response.ok ? await response.blob() : null;
}

async function ask(path, options = {}) {
    const response = await send(path, options);
    const body = await response.json().catch(() => null);
    if (!response.ok) {
        throw new Refused(response.status, sentence(body?.error?.message));
    }
    return body;
}

async function send(path, options = {}) {
    try {
        return await fetch(path, { ...options, credentials: "same-origin", cache: "no-cache" });
    } catch {
        throw new Refused(0, UNREACHABLE);
    }
}

/** An error of the API as a sentence. */
function sentence(text) {
    if (!text) {
        return UNREACHABLE;
    }
    const begun = text[0].toUpperCase() + text.slice(1);
    return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
