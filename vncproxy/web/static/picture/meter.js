/** Measures the connection: bytes, pictures and encodings as noVNC reads them, and the round trip. */

/** Names of encodings by their numbers (RFC 6143 and its registry). */
const NAMES = {
    0: "Raw",
    1: "CopyRect",
    2: "RRE",
    5: "Hextile",
    6: "zlib",
    7: "Tight",
    16: "ZRLE",
    21: "JPEG",
    50: "H.264",
    "-260": "TightPNG",
};
/** Milliseconds between two looks, and for which a measured rate holds. */
const PERIOD = 1_000;
/** Milliseconds within which a ping is answered; one that is not counts as this. */
const LONGEST_PING = 10_000;

/**
 * What one connection did within the last second.
 * @typedef {object} Sample
 * @property {number} rate - bytes in a second, received
 * @property {number} frames - updates in a second
 * @property {string} encoding - of most of the pixels; "" without any
 */

/** Looks at one noVNC object; costs one call for each rectangle. */
export class Meter {
    #connection;
    #received;
    #frames = 0;
    #pixels = new Map();
    #since = performance.now();
    /** @type {Sample} */
    sample = { rate: 0, frames: 0, encoding: "" };

    /** @param {Connection} connection - whose noVNC object's methods are wrapped */
    constructor(connection) {
        const { rfb } = connection;
        this.#connection = connection;
        this.#received = connection.received;
        wrap(rfb, "_framebufferUpdate", (done) => {
            this.#frames += done ? 1 : 0;
        });
        wrap(rfb, "_handleRect", (done) => {
            const { encoding, width, height } = rfb._FBU;
            if (done && encoding in NAMES) {
                this.#pixels.set(encoding, (this.#pixels.get(encoding) ?? 0) + width * height);
            }
        });
    }

    /** Return what happened since the last look that is at least a second ago. */
    look() {
        const seconds = (performance.now() - this.#since) / 1000;
        if (seconds * 1000 >= PERIOD) {
            const [most] = [...this.#pixels].sort((a, b) => b[1] - a[1]);
            this.sample = {
                rate: (this.#connection.received - this.#received) / seconds,
                frames: this.#frames / seconds,
                encoding: most ? NAMES[most[0]] : this.sample.encoding,
            };
            this.#received = this.#connection.received;
            this.#frames = 0;
            this.#pixels.clear();
            this.#since = performance.now();
        }
        return this.sample;
    }
}

/**
 * Measure the time until the gateway answers.
 * @returns {Promise<number>} milliseconds
 */
export async function roundTrip(connection) {
    const begun = performance.now();
    try {
        await connection.ask("ping", {}, LONGEST_PING);
    } catch {
        return LONGEST_PING;
    }
    return performance.now() - begun;
}

function wrap(object, name, after) {
    const method = object[name];
    if (typeof method === "function") {
        object[name] = (...args) => {
            const result = method.apply(object, args);
            after(result);
            return result;
        };
    }
}
