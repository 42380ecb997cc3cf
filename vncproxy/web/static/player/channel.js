/** A server of RFB inside the page: what noVNC reads in place of a web socket. */

const VERSION = [..."RFB 003.008\n"].map((letter) => letter.charCodeAt(0));
const NO_SECURITY = [1, 1];
const SECURITY_RESULT = [0, 0, 0, 0];
/** noVNC's own: 32 bits, depth 24, little endian, true colour, maxima 255, shifts 0, 8 and 16. */
const PIXEL_FORMAT = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0];
const NO_NAME = [0, 0, 0, 0];
const FENCE = 248;
/** An update without rectangles, behind which noVNC waits for images that it still decodes. */
const EMPTY_UPDATE = [0, 0, 0, 0];
const FENCE_REQUEST = [FENCE, 0, 0, 0, 0x80, 0, 0, 3];
/** The first bytes of our fences, so that no other is taken for one. */
const MARK = [0x56, 0x50];

export class Channel {
    binaryType = "arraybuffer";
    protocol = "";
    readyState = "open";
    onopen = null;
    onmessage = null;
    onclose = null;
    onerror = null;
    #fences = new Map();
    #number = 0;

    /** Be a server with a screen of this size; called once noVNC listens. */
    greet(width, height) {
        // noVNC reads its version alone
        this.#deliver(VERSION);
        this.#deliver(NO_SECURITY);
        this.#deliver(SECURITY_RESULT);
        this.#deliver([width >> 8, width & 255, height >> 8, height & 255, ...PIXEL_FORMAT, ...NO_NAME]);
    }

    /**
     * Let noVNC read whole messages.
     * @param {Uint8Array} bytes
     * @returns {Promise<void>} resolved once it has drawn them
     */
    write(bytes) {
        const number = (this.#number = (this.#number + 1) % 2 ** 24);
        const id = [number >> 16, (number >> 8) & 255, number & 255];
        const drawn = new Promise((resolve) => this.#fences.set(number, resolve));
        if (bytes.length) {
            this.#deliver(bytes);
        }
        this.#deliver([...EMPTY_UPDATE, ...FENCE_REQUEST, MARK.length + id.length, ...MARK, ...id]);
        return drawn;
    }

    /** What noVNC answers; called by it. All but our fences is for a server that is not here. */
    send(bytes) {
        if (bytes[0] === FENCE && bytes[8] === 5 && bytes[9] === MARK[0] && bytes[10] === MARK[1]) {
            const number = (bytes[11] << 16) | (bytes[12] << 8) | bytes[13];
            this.#fences.get(number)?.();
            this.#fences.delete(number);
        }
    }

    /** Called by noVNC when it gives up, or is ended. */
    close() {
        this.readyState = "closed";
        this.onclose?.({ code: 1000, reason: "", wasClean: true });
    }

    #deliver(bytes) {
        if (this.readyState === "open") {
            this.onmessage?.({ data: bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes) });
        }
    }
}
