/** Whether the user may control the machine, as the gateway says: at first, and while the console is open. */

import { element } from "../page/dom.js";
import { hide, show } from "../page/notices.js";
import { releaseHeld } from "../page/toolbar.js";
import { t } from "../texts/texts.js";

/** What a mode of the gateway is called. */
const VIEW_ONLY = "view-only";
const NOTICE = "mode";
/** Milliseconds for which a change is told; the badge stays. */
const SHOWN_FOR = 10_000;
let timer = 0;

export function attach(connection, link) {
    const mode = new Mode(connection, link);
    connection.addEventListener("screen", () => mode.begin());
    connection.addEventListener("viewonly", () => mode.set(true));
    connection.addEventListener("told", ({ detail }) => {
        if (detail.event === "mode") {
            mode.set(detail.mode === VIEW_ONLY);
            if (!detail.by) {
                say(detail.mode === VIEW_ONLY);
            }
        }
    });
}

/** Tell the user what an administrator has changed; what another user does, that user's part tells. */
function say(viewOnly) {
    show(NOTICE, viewOnly
        ? t("An administrator has taken control. You can watch, but your keyboard and mouse do nothing.")
        : t("An administrator has given you control. Your keyboard and mouse work now."));
    clearTimeout(timer);
    timer = setTimeout(() => hide(NOTICE), SHOWN_FOR);
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
        element("view-only").textContent = viewOnly ? t("View only") : "";
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
