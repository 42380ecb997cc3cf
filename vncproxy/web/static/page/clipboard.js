/**
 * The guest's clipboard, and its synchronisation with that of the user's computer.
 *
 * Synchronisation is off by default, so that a guest cannot read the user's clipboard.
 */

import { copyField, element, onClick } from "./dom.js";

export function attach(connection) {
    const dialog = element("clipboard");
    const sync = new Sync(connection);
    element("clipboard-sync-choice").hidden = !navigator.clipboard?.readText;
    connection.addEventListener("screen", () => {
        connection.rfb.addEventListener("clipboard", ({ detail }) => {
            receive(detail.text);
            sync.fromGuest(detail.text);
        });
    });
    connection.addEventListener("change", () => connection.onTheMove || dialog.close());
    onClick("open-clipboard", () => {
        element("open-clipboard").removeAttribute("data-active");
        note("");
        dialog.showModal();
        element("clipboard-text").select();
    });
    onClick("clipboard-close", () => dialog.close());
    onClick("clipboard-copy", async () => note(await copyField(element("clipboard-text")) ? "Copied." : "Copy it from the field above."));
    onClick("clipboard-send", () => {
        connection.live?.clipboardPasteFrom(element("clipboard-text").value);
        dialog.close();
    });
    dialog.addEventListener("close", () => connection.live?.focus({ preventScroll: true }));
}

function receive(text) {
    element("clipboard-text").value = text;
    element("open-clipboard").toggleAttribute("data-active", !element("clipboard").open);
}

function note(text) {
    element("clipboard-note").textContent = text;
}

/** Copies text both ways while its box is checked. */
class Sync {
    #connection;
    #last = "";

    constructor(connection) {
        this.#connection = connection;
        element("clipboard-sync").addEventListener("change", () => this.#toGuest());
        addEventListener("focus", () => this.#toGuest());
    }

    get #on() {
        return element("clipboard-sync").checked;
    }

    fromGuest(text) {
        if (this.#on && text !== this.#last) {
            this.#last = text;
            navigator.clipboard.writeText(text).catch(() => {});
        }
    }

    async #toGuest() {
        if (!this.#on) {
            return;
        }
        try {
            const text = await navigator.clipboard.readText();
            if (text && text !== this.#last) {
                this.#last = text;
                this.#connection.live?.clipboardPasteFrom(text);
            }
        } catch {
            element("clipboard-sync").checked = false;
            note("The browser does not let this page read the clipboard.");
        }
    }
}
