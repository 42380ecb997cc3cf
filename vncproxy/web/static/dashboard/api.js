/** Requests of the API, with the key in a header. */

import { readKey } from "./key.js";

/** Milliseconds after which a request has failed. */
const LONGEST = 30_000;

/** A request that failed; its message is a sentence for the operator. */
export class Problem extends Error {
    /**
     * @param {number} status - of HTTP; 0 where there was no answer
     * @param {string} code - a fixed word
     * @param {string} message
     * @param {string} [field] - the parameter or member that is wrong
     */
    constructor(status, code, message, field = "") {
        super(message);
        this.status = status;
        this.code = code;
        this.field = field;
    }
}

/** Is called with a Problem when the API refuses the key. */
let onRefused = () => {};

/** Have a function called when the API refuses the key. */
export const whenRefused = (action) => (onRefused = action);

/**
 * Send a request.
 * @param {string} method
 * @param {string} path - below `v1/`
 * @param {object} [query] - values that are empty are left out
 * @param {object} [body]
 * @returns {Promise<object>} the JSON of the answer, with `status`; fails with Problem
 */
export async function ask(method, path, { query = {}, body } = {}) {
    const given = Object.entries(query).filter(([, value]) => value);
    const search = given.length ? `?${new URLSearchParams(given)}` : "";
    const response = await send(method, `v1/${path}${search}`, body, AbortSignal.timeout(LONGEST));
    const answer = await readJSON(response);
    if (!response.ok) {
        throw refused(problemOf(response, answer));
    }
    return { ...answer, status: response.status };
}

/**
 * Open a stream.
 * @param {AbortSignal} signal
 * @returns {Promise<ReadableStream>} fails with Problem
 */
export async function openStream(path, signal) {
    const response = await send("GET", `v1/${path}`, undefined, signal);
    if (!response.ok) {
        throw refused(problemOf(response, await readJSON(response)));
    }
    return response.body;
}

async function send(method, url, body, signal) {
    const headers = { Authorization: `Bearer ${readKey()}`, Accept: "application/json, text/event-stream" };
    try {
        return await fetch(url, {
            method,
            headers,
            body: body && JSON.stringify(body),
            signal,
            cache: "no-store",
            credentials: "omit",
            redirect: "error",
            referrerPolicy: "no-referrer",
        });
    } catch (error) {
        if (signal.aborted && error.name === "AbortError") {
            throw error;
        }
        throw new Problem(0, "unreachable", "The API does not answer. It is tried again.");
    }
}

async function readJSON(response) {
    try {
        return await response.json();
    } catch {
        return {};
    }
}

function problemOf(response, { error }) {
    const code = error?.code ?? "unknown";
    const wait = response.headers.get("Retry-After");
    if (response.status === 429) {
        return new Problem(429, code, `This key has sent too many requests. Wait ${wait ?? "some"} seconds.`);
    }
    const message = sentence(error?.message ?? `the API answered with status ${response.status}`);
    return new Problem(response.status, code, message, error?.field ?? "");
}

function refused(problem) {
    if (problem.status === 401) {
        onRefused(problem);
    }
    return problem;
}

/** Return a message of the API, which is a lower-case fact, as a sentence. */
function sentence(message) {
    const first = message.charAt(0).toUpperCase() + message.slice(1);
    return /[.?!]$/.test(first) ? first : `${first}.`;
}
