/**
 * Keys that are typed while the console moves to another gateway: they are held back, and sent in
 * their order when the new connection is open.
 */

import { element } from "../page/dom.js";
import { again } from "../keys/keyevents.js";

/** Milliseconds between two events that were held back; guests lose keys that come at once. */
const PACE = 10;
/** Key events to keep; a console moves within seconds. */
const MOST = 400;

export function attach(connection) {
    const keys = new HeldBack(connection);
    for (const type of ["keydown", "keyup"]) {
        document.addEventListener(type, (event) => keys.take(event), { capture: true });
    }
    addEventListener("blur", ({ isTrusted }) => keys.releaseAll(isTrusted));
    connection.addEventListener("leaving", () => keys.pressModifiersAgain());
    connection.addEventListener("change", () => keys.continue());
}

class HeldBack {
    #connection;
    #events = [];
    #sending = false;
    /** code -> keydown event of the modifiers that the guest knows to be down */
    #modifiers = new Map();

    constructor(connection) {
        this.#connection = connection;
    }

    /** Hold an event back, or let it go to noVNC. */
    take(event) {
        if (!event.isTrusted || !meantForScreen()) {
            return;
        }
        if (!this.#connection.interrupted && this.#events.length === 0) {
            this.#remember(event);
            return;
        }
        event.preventDefault();
        event.stopImmediatePropagation();
        if (this.#events.length < MOST || event.type === "keyup") {
            this.#events.push(event);
        }
    }

    /** The server of the old connection has released them, and the user has not. */
    pressModifiersAgain() {
        this.#events.unshift(...this.#modifiers.values());
        this.#modifiers.clear();
    }

    /** The window or the screen lost the focus; noVNC releases all keys that it knows of. */
    releaseAll(isTrusted) {
        if (!this.#connection.interrupted) {
            this.#modifiers.clear();
        } else if (isTrusted) {
            const down = new Map();
            for (const event of this.#events) {
                event.type === "keydown" ? down.set(event.code, event) : down.delete(event.code);
            }
            down.forEach((event) => this.#events.push(again(event, "keyup")));
        }
    }

    /** Send what was held back once there is a connection, or give it up with the console. */
    continue() {
        if (this.#connection.live) {
            element("unsent").hidden = true;
        }
        if (!this.#connection.onTheMove) {
            element("unsent").hidden &&= this.#events.length === 0;
            this.#events = [];
        } else if (this.#connection.live && !this.#sending) {
            this.#sendAll();
        }
    }

    async #sendAll() {
        this.#sending = true;
        while (this.#events.length && this.#connection.live && !this.#connection.interrupted) {
            const event = this.#events.shift();
            this.#remember(event);
            element("screen").querySelector("canvas").dispatchEvent(again(event, event.type));
            await new Promise((resume) => setTimeout(resume, PACE));
        }
        this.#sending = false;
    }

    #remember(event) {
        if (!/^(Control|Alt|Shift|Meta)/.test(event.code)) {
            return;
        }
        if (event.type === "keydown") {
            this.#modifiers.set(event.code, event);
        } else {
            this.#modifiers.delete(event.code);
        }
    }
}

/** Keys go to the screen where it has the focus, or had it until its canvas was removed. */
function meantForScreen() {
    const { activeElement } = document;
    return activeElement === document.body || element("screen").contains(activeElement);
}
