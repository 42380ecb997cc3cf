/** Says what the page waits for while it has no screen, and for how long already. */

import { element } from "../page/dom.js";
import { t } from "../texts/texts.js";

/** Milliseconds of a wait before it is told: most are over by then. */
const PATIENCE = 1_500;
const PERIOD = 1_000;

const WORDS = {
    "gateway": t("Waiting for the gateway"),
    "": t("The gateway opens the console"),
    "locate": t("Asking the hypervisor where the console is"),
    "connect": t("Connecting to the hypervisor"),
    "handshake": t("Waiting for the hypervisor to answer"),
    "start": t("Waiting for the machine to start"),
    "screen": t("Waiting for the screen"),
    "outage": t("Without a connection"),
};

export function attach(connection) {
    const waits = new Waits(connection);
    connection.addEventListener("change", () => waits.follow());
    connection.onTold("consent", () => waits.follow());
}

class Waits {
    #asks = true;
    #began = 0;
    #connection;
    #timer = null;

    constructor(connection) {
        this.#connection = connection;
    }

    /** Begin anew: the connection has another state, or the user has just been asked something. */
    follow() {
        clearInterval(this.#timer);
        this.#show("", 0);
        this.#began = performance.now();
        this.#asks = true;
        if (["connecting", "waiting"].includes(this.#connection.state.name)) {
            this.#timer = setInterval(() => this.#look(), PERIOD);
        }
    }

    async #look() {
        const { state } = this.#connection;
        const now = performance.now();
        const began = state.interruption?.since ?? this.#began;
        if (now - began < PATIENCE || element("consent").open) {
            return;
        }
        if (state.name === "waiting") {
            this.#show("outage", now - began);
            return;
        }
        const { what, after } = await this.#ask();
        if (this.#connection.state === state) {
            this.#show(what, performance.now() - this.#began - after);
        }
    }

    /** Where the web socket is not open yet, it is the gateway itself that is waited for. */
    async #ask() {
        if (!this.#connection.isOpen) {
            return { what: "gateway", after: 0 };
        }
        try {
            const answer = this.#asks ? await this.#connection.ask("waits", {}, PERIOD) : {};
            return { what: answer.for ?? "", after: 1000 * (answer.after ?? 0) };
        } catch (error) {
            this.#asks = error.code === "unanswered"; // a gateway before this one does not know it
            return { what: "", after: 0 };
        }
    }

    /** What is waited for is announced once; the seconds are not. */
    #show(what, time) {
        const words = time ? WORDS[what] ?? WORDS[""] : "";
        if (element("waits-for").textContent !== words) {
            element("waits-for").textContent = words;
        }
        element("waits-since").textContent = words && t(", {count} s", { count: Math.max(0, Math.round(time / 1000)) });
    }
}
