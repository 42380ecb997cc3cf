/** Asks for a list again when it may have changed, and not more often than the API can take. */

/** The shortest time between two requests in milliseconds. */
const SHORTEST = 2_000;
/** A request that takes long is sent so many times less often than it takes. */
const SHARE = 10;

/** Runs one request at a time. */
export class Refreshing {
    #again = false;
    #load;
    #notBefore = 0;
    #running = false;
    #timer = 0;

    /** @param {() => Promise<void>} load - asks and shows; handles its own failures */
    constructor(load) {
        this.#load = load;
    }

    /** Ask now: a user wants to see it. */
    now() {
        clearTimeout(this.#timer);
        this.#timer = 0;
        return this.#run();
    }

    /** Ask soon: it may have changed. */
    soon() {
        if (!this.#timer) {
            const wait = Math.max(0, this.#notBefore - performance.now());
            this.#timer = setTimeout(() => {
                this.#timer = 0;
                this.#run();
            }, wait);
        }
    }

    async #run() {
        if (this.#running) {
            this.#again = true;
            return;
        }
        this.#running = true;
        const began = performance.now();
        try {
            await this.#load();
        } finally {
            this.#running = false;
            const took = performance.now() - began;
            this.#notBefore = performance.now() + Math.max(SHORTEST, SHARE * took);
        }
        if (this.#again) {
            this.#again = false;
            await this.#run();
        }
    }
}
