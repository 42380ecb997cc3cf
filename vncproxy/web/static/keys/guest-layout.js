/** The keyboard layout of the machine: chosen by the user, and remembered for each machine. */

import { recall, remember } from "../page/remembered.js";
import { UNKNOWN, load } from "./layouts.js";

/** What it is remembered as. */
const NAME = "layout";

/** Dispatches "change" when it is another one, or has been loaded. */
class GuestLayout extends EventTarget {
    #isNamedQEMU = false;
    #machine = "";
    #rfb = null;
    /** The layout, `UNKNOWN` before one was chosen; null until it is loaded, and where it could not be. */
    layout = UNKNOWN;
    isMissing = false;
    /** Its name, "" where it is not known. */
    name = "";

    attach(connection) {
        this.#use(recall(NAME) ?? "");
        connection.addEventListener("screen", () => {
            this.#rfb = connection.rfb;
            this.#isNamedQEMU = false;
            this.#rfb.addEventListener("desktopname", ({ detail }) => {
                this.#isNamedQEMU = /^QEMU( \(.*\))?$/.test(detail.name);
            });
        });
        connection.addEventListener("known", () => {
            this.#machine = connection.machine;
            this.#use(recall(NAME, this.#machine) ?? "");
        });
    }

    /** Whether the machine's server is QEMU, which has tables of its own for some layouts. */
    get isQEMU() {
        return this.#isNamedQEMU && this.#rfb._qemuExtKeyEventSupported;
    }

    choose(name) {
        remember(NAME, name, this.#machine);
        this.#use(name);
    }

    /** Try again where it could not be loaded. */
    loadAgain() {
        if (this.isMissing) {
            this.#use(this.name);
        }
    }

    async #use(name) {
        this.name = name;
        this.#set(null, false);
        const layout = await load(name).catch(() => null);
        if (name === this.name) {
            this.#set(layout, layout === null);
        }
    }

    #set(layout, isMissing) {
        [this.layout, this.isMissing] = [layout, isMissing];
        this.dispatchEvent(new Event("change"));
    }
}

/** The layout of this page's machine. */
export const guest = new GuestLayout();

/** Let the user choose it in a field; a layout that this page does not know is shown as not known. */
export function offerChoice(field) {
    const show = () => {
        field.value = guest.name;
        if (field.selectedIndex < 0) {
            field.value = "";
        }
    };
    field.addEventListener("change", () => guest.choose(field.value));
    guest.addEventListener("change", show);
    show();
}
