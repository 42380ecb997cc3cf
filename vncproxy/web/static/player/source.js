/** Gets a recording from its server: what is in it, its segments, what comes live, its file. */

import { Problem, problemOf } from "./problems.js";
import { readEntries } from "./entries.js";

/** Bytes of segments that are kept for going back. */
const MOST_KEPT = 96 << 20;

export class Source {
    #address;
    #token;
    /** number -> {entries: Promise<Entry[]>, size: number}, the one used last at the end */
    #segments = new Map();
    #kept = 0;

    /** @param {{address: string, token: string}} link */
    constructor({ address, token }) {
        this.#address = address;
        this.#token = token;
    }

    /**
     * @returns {Promise<object>} what the server says of the recording, or {making: 0 to 1}
     * @throws {Problem}
     */
    async contents() {
        return (await this.#get("contents")).json();
    }

    /**
     * The entries of a segment; kept for later.
     * @param {number} number
     * @returns {Promise<Entry[]>}
     */
    segment(number) {
        const known = this.#segments.get(number) ?? this.#load(number);
        this.#segments.delete(number);
        this.#segments.set(number, known);
        return known.entries;
    }

    /** Whether a segment is here, or on its way. */
    has(number) {
        return this.#segments.has(number);
    }

    /** Forget all segments: the recording was made anew. */
    forget() {
        this.#segments.clear();
        this.#kept = 0;
    }

    /** @returns {Promise<ReadableStream<Uint8Array>>} entries as they come */
    async live(signal) {
        return (await this.#get("live", { signal, cache: "no-store" })).body;
    }

    /** @returns {Promise<Blob>} the recording's file */
    async file() {
        return (await this.#get("file", { cache: "no-store" })).blob();
    }

    #load(number) {
        const known = { size: 0 };
        known.entries = this.#fetch(number, known);
        known.entries.catch(() => this.#segments.delete(number)); // the next one who asks tries again
        return known;
    }

    async #fetch(number, known) {
        const response = await this.#get(`segments/${number}`);
        if (response.status === 202) {
            throw new Problem("being-made");
        }
        const data = await response.arrayBuffer().catch(unreachable);
        known.size = data.byteLength;
        this.#kept += known.size;
        this.#forgetOldest(number);
        return readEntries(new Uint8Array(data)).entries;
    }

    #forgetOldest(latest) {
        for (const [number, { size }] of this.#segments) {
            if (this.#kept <= MOST_KEPT) {
                return;
            }
            if (number !== latest && size) {
                this.#segments.delete(number);
                this.#kept -= size;
            }
        }
    }

    async #get(what, options = {}) {
        const headers = { Authorization: `Bearer ${this.#token}` };
        const response = await fetch(`${this.#address}/${what}`, { headers, credentials: "same-origin", ...options }).catch(
            unreachable,
        );
        if (!response.ok) {
            throw await problemOf(response);
        }
        return response;
    }
}

function unreachable(error) {
    throw error.name === "AbortError" ? error : new Problem("unreachable");
}
