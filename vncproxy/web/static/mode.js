/** Whether the user may control the machine, as the gateway says: at first, and while the console is open. */

import { element } from "./dom.js";
import { releaseHeld } from "./toolbar.js";

/** What a mode of the gateway is called. */
const VIEW_ONLY = "view-only";

export function attach(connection, link) {
    const mode = new Mode(connection, link);
    connection.addEventListener("screen", () => mode.begin());
    connection.addEventListener("viewonly", () => mode.set(true));
    connection.addEventListener("told", ({ detail }) => {
        if (detail.event === "mode") {
            mode.set(detail.mode === VIEW_ONLY);
        }
    });
}

class Mode {
    #connection;
    #link;
    #viewOnly = false;

    constructor(connection, link) {
        this.#connection = connection;
        this.#link = link;
        this.#show();
    }

    /** Each connection controls the machine unless the gateway says otherwise before its screen. */
    begin() {
        this.#viewOnly = false;
        this.#connection.rfb.viewOnly = this.#link.viewOnly;
        this.#connection.rfb.addEventListener("connect", () => this.#show());
    }

    /** The gateway drops what the viewer sends; the page must not look as if it did not. */
    set(viewOnly) {
        this.#viewOnly = viewOnly;
        this.#show();
    }

    #show() {
        const viewOnly = this.#viewOnly || this.#link.viewOnly;
        const { rfb } = this.#connection;
        document.body.toggleAttribute("data-view-only", viewOnly);
        element("view-only").textContent = viewOnly ? "View only" : "";
        if (viewOnly) {
            // the gateway has released them in the guest
            releaseHeld();
            element("typing").close();
        }
        if (rfb && rfb.viewOnly !== viewOnly) {
            rfb.viewOnly = viewOnly;
        }
    }
}
