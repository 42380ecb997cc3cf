/** The stream of events: read over fetch, so that the key is in a header, and opened again when it ends. */

import { openStream } from "./api.js";

/** Milliseconds without a byte after which the connection is taken for dead; the API sends one each 10 s. */
const SILENCE = 35_000;
const SHORTEST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** Reads events for as long as it is not stopped. */
export class Events {
    #on;
    #onState;
    #stopping = null;
    #wait = SHORTEST_WAIT;

    /**
     * @param {Object<string, (data: object) => void>} on - called with the data of each event, by its name
     * @param {(live: boolean, why: string) => void} onState - called when events come, or come no more
     */
    constructor(on, onState) {
        this.#on = on;
        this.#onState = onState;
    }

    /** Begin to read. */
    start() {
        this.stop();
        this.#stopping = new AbortController();
        this.#readOn(this.#stopping.signal);
    }

    /** Read no more. */
    stop() {
        this.#stopping?.abort();
        this.#stopping = null;
    }

    async #readOn(stopped) {
        while (!stopped.aborted) {
            const why = await this.#readOne(stopped);
            if (stopped.aborted) {
                return;
            }
            this.#onState(false, why);
            await new Promise((resolve) => setTimeout(resolve, this.#wait * (0.5 + Math.random())));
            this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
        }
    }

    /** Read one stream to its end; returns why it ended, in words. */
    async #readOne(stopped) {
        const silent = new AbortController();
        const watch = new Watch(() => silent.abort());
        try {
            const stream = await openStream("events", AbortSignal.any([stopped, silent.signal]));
            for await (const [name, data] of parse(stream, () => watch.reset())) {
                this.#take(name, data);
                if (name === "end") {
                    return "";
                }
            }
            return "";
        } catch (problem) {
            return problem.status ? problem.message : "";
        } finally {
            watch.stop();
        }
    }

    #take(name, data) {
        if (name !== "end") {
            this.#wait = SHORTEST_WAIT;
            this.#onState(true, "");
        }
        this.#on[name]?.(data);
    }
}

/** Calls a function when nothing came for a while. */
class Watch {
    #timer = 0;
    #onSilence;

    constructor(onSilence) {
        this.#onSilence = onSilence;
        this.reset();
    }

    reset() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(this.#onSilence, SILENCE);
    }

    stop() {
        clearTimeout(this.#timer);
    }
}

/** Yield the name and the data of each event of a stream (WHATWG HTML 9.2, as the API writes them). */
export async function* parse(stream, onBytes = () => {}) {
    let text = "";
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    try {
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
            onBytes();
            const blocks = (text + part.value).split("\n\n");
            text = blocks.pop();
            yield* blocks.map(parseBlock).filter(([name]) => name);
        }
    } finally {
        reader.cancel().catch(() => {});
    }
}

function parseBlock(block) {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
    return [fields.event ?? "", fields.data ? JSON.parse(fields.data) : {}];
}
