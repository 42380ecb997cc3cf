/**
 * Keeps the clipboards of guest and computer the same, as far as the browser lets a page.
 *
 * It is off until the user asks for it, for one machine, so that a guest cannot read what the user
 * has copied elsewhere.
 */

import { element } from "../page/dom.js";
import { recallOwn, rememberOwn } from "../page/remembered.js";
import { t } from "../texts/texts.js";

const NAME = "clipboard";
const ON = "same";

/**
 * How far a page may read the clipboard without being asked to by its user each time.
 * @returns {Promise<"granted"|"prompt"|"denied"|"never">} never for browsers without such a permission
 */
async function permission() {
    try {
        return (await navigator.permissions.query({ name: "clipboard-read" })).state;
    } catch {
        return "never";
    }
}

/** Dispatches "note" with a sentence as its detail where something does not work. */
export class Sync extends EventTarget {
    #box = element("clipboard-sync");
    #connection;
    #last = "";
    #may = { toGuest: true, fromGuest: true };
    #send;

    /** @param {(text: string) => boolean} send - sends a text to the guest; false where it may not be */
    constructor(connection, send) {
        super();
        this.#connection = connection;
        this.#send = send;
        this.#box.addEventListener("change", () => this.#chosen());
        addEventListener("focus", () => this.#toGuest());
        connection.addEventListener("known", () => {
            this.#box.checked = recallOwn(NAME, connection.machine) === ON;
            this.#toGuest();
        });
    }

    get #on() {
        return this.#box.checked;
    }

    /** Follow the policy. */
    allow(may) {
        this.#may = may;
        element("clipboard-sync-choice").hidden = !navigator.clipboard || !(may.toGuest || may.fromGuest);
        this.#toGuest();
    }

    /**
     * Copy a text of the guest.
     * @returns {Promise<boolean>} whether this computer has it now
     */
    async fromGuest(text) {
        this.#last = text;
        if (!this.#on) {
            return false;
        }
        try {
            await navigator.clipboard.writeText(text);
            return true;
        } catch {
            return false; // the page has no focus, or the browser wants a click for it
        }
    }

    /** Know what the user has sent: it need not be sent again. */
    sent(text) {
        this.#last = text;
    }

    async #chosen() {
        if (this.#connection.machine) {
            rememberOwn(NAME, this.#on ? ON : "", this.#connection.machine);
        }
        if (this.#on && this.#may.toGuest && (await permission()) === "never") {
            this.#note(t("This browser lets no page read the clipboard by itself. Paste here what the machine is to get."));
        }
        await this.#toGuest();
    }

    async #toGuest() {
        if (!this.#on || !this.#may.toGuest || !this.#connection.live || !document.hasFocus()) {
            return;
        }
        if ((await permission()) === "never") {
            return;
        }
        try {
            const text = await navigator.clipboard.readText();
            if (text && text !== this.#last && this.#on) {
                this.#last = text;
                this.#send(text);
            }
        } catch {
            this.#note(t("The browser does not let this page read the clipboard. Allow it in the settings of this address."));
        }
    }

    #note(detail) {
        this.dispatchEvent(new CustomEvent("note", { detail }));
    }
}
