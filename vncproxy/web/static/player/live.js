/** Follows a session that is being recorded: what comes is drawn as it comes. */

import { Kind, entriesOf } from "./entries.js";
import { Problem } from "./problems.js";

/** Milliseconds to wait before another connection, the longer the more often none was good. */
const PAUSES = [500, 1000, 2000, 4000, 8000, 15000];

/**
 * Events: "state" when it is "connecting", "reading" (with `progress`), "live", "paused", "waiting" or "ended" (with
 * `ending`); "moment"; "jump"; "viewer" with entries of the viewer; "problem" when it has given up.
 */
export class Live extends EventTarget {
    #source;
    #screen;
    #abort = null;
    #failures = 0;
    #begun = false;
    state = "ended";
    moment = 0;
    progress = 0;
    ending = null;

    constructor(source, screen) {
        super();
        this.#source = source;
        this.#screen = screen;
    }

    get running() {
        return this.#abort !== null;
    }

    /** Follow from now on, until it is left, or the session ends. */
    async start() {
        if (this.running) {
            return;
        }
        const abort = (this.#abort = new AbortController());
        this.#failures = 0;
        while (!abort.signal.aborted) {
            try {
                await this.#follow(abort.signal);
            } catch (error) {
                if (!abort.signal.aborted && !this.#mayPass(error)) {
                    this.#abort = null;
                    this.#set("ended");
                    this.dispatchEvent(new CustomEvent("problem", { detail: error }));
                    return;
                }
            }
            if (this.ending || abort.signal.aborted) {
                break;
            }
            this.#set("waiting");
            await this.#pause(abort.signal);
        }
        if (this.#abort === abort) {
            this.#abort = null;
            this.#set("ended");
        }
    }

    /** Follow no more; the last picture stays. */
    stop(state = "ended") {
        const abort = this.#abort;
        this.#abort = null;
        abort?.abort();
        this.#set(state);
    }

    async #follow(signal) {
        this.#begun = false;
        this.ending = null;
        this.progress = 0;
        this.#set("connecting");
        const stream = await this.#source.live(signal);
        for await (const entries of entriesOf(stream)) {
            if (signal.aborted) {
                return;
            }
            await this.#take(entries, signal);
        }
    }

    async #take(entries, signal) {
        const messages = [];
        const ofViewer = [];
        for (const entry of entries) {
            this.moment = Math.max(this.moment, entry.at);
            if (entry.kind === Kind.END) {
                this.ending = JSON.parse(new TextDecoder().decode(entry.data));
            } else if (entry.kind === Kind.REACHED) {
                this.#reached(entry.data);
            } else if (entry.kind === Kind.KEY_FRAME) {
                this.#begun = true;
                this.dispatchEvent(new Event("jump"));
                messages.push(entry.data);
            } else if (this.#begun) {
                (entry.kind === Kind.SERVER ? messages : ofViewer).push(entry.kind === Kind.SERVER ? entry.data : entry);
            }
        }
        if (messages.length) {
            await this.#screen.draw(messages);
        }
        if (this.#begun && !signal.aborted) {
            this.#failures = 0;
            this.#set("live");
            if (ofViewer.length) {
                this.dispatchEvent(new CustomEvent("viewer", { detail: ofViewer }));
            }
            this.dispatchEvent(new Event("moment"));
        }
    }

    /** What was recorded before is read first. */
    #reached(data) {
        const view = new DataView(data.buffer, data.byteOffset);
        const [read, all] = [Number(view.getBigUint64(0)), Number(view.getBigUint64(8))];
        if (!this.#begun) {
            this.progress = all ? read / all : 0;
            this.#set("reading", true);
        }
    }

    #mayPass(error) {
        return !(error instanceof Problem) || error.mayPass || error.code === "cannot-draw";
    }

    #pause(signal) {
        const pause = PAUSES[Math.min(this.#failures++, PAUSES.length - 1)];
        return new Promise((resolve) => {
            setTimeout(resolve, pause);
            signal.addEventListener("abort", resolve, { once: true });
        });
    }

    #set(state, again = false) {
        if (state !== this.state || again) {
            this.state = state;
            this.dispatchEvent(new Event("state"));
        }
    }
}
