/** Tabs for a guest with several displays: all of them, or one alone, each with its own zoom. */

import { element } from "../page/dom.js";
import { t } from "../texts/texts.js";
import { recallOwn, rememberOwn } from "../page/remembered.js";

const NAME = "display";
const ALL = "all";

export function attach(connection, link, zoom) {
    const displays = new Displays(connection, zoom);
    connection.addEventListener("screen", () => {
        const { rfb } = connection;
        rfb.addEventListener("displays", () => displays.follow(rfb));
    });
    connection.addEventListener("known", () => displays.recall());
    connection.addEventListener("change", () => displays.hideWithoutScreen());
    element("displays").addEventListener("keydown", (event) => displays.move(event));
}

class Displays {
    #chosen = ALL;
    #connection;
    #looks = new Map();
    #shown = "";
    #zoom;

    constructor(connection, zoom) {
        this.#connection = connection;
        this.#zoom = zoom;
    }

    /** Show a tab for each display, and what was chosen while that is there. */
    follow(rfb) {
        const { displays } = rfb;
        const layout = JSON.stringify(displays);
        if (layout !== this.#shown) {
            this.#shown = layout;
            this.#looks.clear();
            const tabs = displays.map((each, number) => this.#tab(String(each.id), t("Display {number}", { number: number + 1 }), sizeOf(each)));
            element("displays").replaceChildren(this.#tab(ALL, t("All displays"), ""), ...tabs);
        }
        element("displays").hidden = displays.length < 2;
        this.#show();
    }

    recall() {
        this.#chosen = recallOwn(NAME, this.#connection.machine) ?? ALL;
        this.#show();
    }

    hideWithoutScreen() {
        if (!this.#connection.onTheMove && !this.#connection.live) {
            element("displays").hidden = true;
            this.#shown = "";
        }
    }

    /** Arrow keys, Home and End choose among the tabs, as in every list of tabs. */
    move(event) {
        const tabs = [...element("displays").children];
        const at = tabs.indexOf(document.activeElement);
        const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[event.key];
        if (to !== undefined) {
            event.preventDefault();
            const tab = tabs.at(to % tabs.length);
            this.#choose(tab.dataset.display);
            tab.focus();
        }
    }

    #choose(name) {
        this.#looks.set(this.#current, this.#zoom.look);
        this.#chosen = name;
        if (this.#connection.machine) {
            rememberOwn(NAME, name, this.#connection.machine);
        }
        this.#show();
        this.#zoom.look = this.#looks.get(name);
    }

    /** The chosen tab, or all where its display has gone. */
    get #current() {
        const names = [...element("displays").children].map((tab) => tab.dataset.display);
        return !element("displays").hidden && names.includes(this.#chosen) ? this.#chosen : ALL;
    }

    #show() {
        const current = this.#current;
        for (const tab of element("displays").children) {
            const isCurrent = tab.dataset.display === current;
            tab.ariaSelected = String(isCurrent);
            tab.tabIndex = isCurrent ? 0 : -1;
        }
        this.#connection.rfb?.showDisplay(current === ALL ? null : Number(current));
    }

    #tab(name, label, title) {
        const tab = document.createElement("button");
        tab.type = "button";
        tab.role = "tab";
        tab.dataset.display = name;
        tab.setAttribute("aria-controls", "screen");
        tab.textContent = label;
        tab.title = title;
        tab.addEventListener("click", () => {
            this.#choose(name);
            this.#connection.live?.focus({ preventScroll: true });
        });
        return tab;
    }
}

const sizeOf = ({ width, height }) => `${width} × ${height}`;
