/** Messages between the page and the gateway, beside the console, over the same web socket. */

import { t } from "../texts/texts.js";

/** Begins each message of the gateway that is a JSON object. */
const PREFIX = "vncproxy:{";
/** Milliseconds after which a request has failed. */
const ANSWER_TIME = 15_000;

/** A request that the gateway refused, or did not answer; its message is a sentence for the user. */
export class RequestFailed extends Error {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}

/** The messages of one web socket. */
export class Channel {
    #socket;
    #onEvent;
    #asked = new Map();
    #last = 0;

    /**
     * @param {WebSocket} socket
     * @param {(event: {event: string}) => void} onEvent - called with what the gateway says unasked
     */
    constructor(socket, onEvent) {
        this.#socket = socket;
        this.#onEvent = onEvent;
        socket.addEventListener("close", () => this.#failAll());
    }

    /**
     * Ask the gateway for something.
     * @param {string} what
     * @param {object} [members] - of the request
     * @param {number} [time] - milliseconds after which it has failed
     * @returns {Promise<object>} the members of the answer; fails with RequestFailed
     */
    ask(what, members = {}, time = ANSWER_TIME) {
        const id = ++this.#last;
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => this.#settle(id, unanswered()), time);
            this.#asked.set(id, { resolve, reject, timer });
            if (this.#socket.readyState === WebSocket.OPEN) {
                this.#socket.send(JSON.stringify({ ...members, ask: what, id }));
            } else {
                this.#settle(id, unanswered());
            }
        });
    }

    /** Take a text message; returns false for one that is of another kind. */
    receive(text) {
        if (!text.startsWith(PREFIX)) {
            return false;
        }
        const message = JSON.parse(text.slice(PREFIX.length - 1));
        if (message.event) {
            this.#onEvent(message);
        } else {
            this.#settle(message.id, message);
        }
        return true;
    }

    #settle(id, message) {
        const asked = this.#asked.get(id);
        if (asked) {
            this.#asked.delete(id);
            clearTimeout(asked.timer);
            const { error } = message;
            error ? asked.reject(new RequestFailed(error.code, error.message)) : asked.resolve(message);
        }
    }

    #failAll() {
        for (const id of [...this.#asked.keys()]) {
            this.#settle(id, unanswered());
        }
    }
}

const unanswered = () => ({
    error: { code: "unanswered", message: t("The gateway did not answer. Try again in a moment.") },
});
