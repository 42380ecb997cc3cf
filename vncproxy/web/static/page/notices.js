/** Small cards at the edge of the screen: what the user should know now, and may act on. */

import { element } from "./dom.js";
import { t } from "../texts/texts.js";

/**
 * @typedef {object} Action
 * @property {string} label - of its button
 * @property {() => unknown} run - called when it is pressed; the card stays until it is hidden
 * @property {boolean} [primary] - whether it is the one that most users want
 */

/** id -> Card */
const cards = new Map();

/**
 * Show a card, or change the one with this id. The focus stays where it is; the user can dismiss it.
 * @param {string} id
 * @param {string} text - announced by screen readers when it is new
 * @param {Action[]} [actions]
 * @param {string} [detail] - a second line that may change each second, and is not announced
 */
export function show(id, text, actions = [], detail = "") {
    if (!cards.has(id)) {
        cards.set(id, new Card(() => hide(id)));
    }
    cards.get(id).fill(text, actions, detail);
}

/** Change the second line of a card, unless the user has dismissed it. */
export function setDetail(id, detail) {
    cards.get(id)?.setDetail(detail);
}

/** Remove a card; does nothing where there is none with this id. The screen gets its focus. */
export function hide(id) {
    cards.get(id)?.remove();
    cards.delete(id);
}

/** Whether the pointer is over a card, or the focus in it. */
export function isUsed(id) {
    return cards.get(id)?.isUsed ?? false;
}

class Card {
    #actions = [];
    #box = make("div", "notice");
    #buttons = make("div", "actions");
    #detail = make("p", "detail");
    #text = make("p", "text");

    constructor(dismiss) {
        const close = button("", dismiss);
        close.className = "dismiss";
        close.ariaLabel = close.title = t("Dismiss");
        this.#box.role = "group";
        this.#detail.ariaLive = "off";
        this.#box.append(this.#text, this.#detail, this.#buttons, close);
        // a click must not take the focus from the screen, as keys would go astray behind it
        this.#box.addEventListener("mousedown", (event) => event.preventDefault());
        element("notices").append(this.#box);
    }

    /** What has not changed is left alone: a button may have the focus, and texts are announced. */
    fill(text, actions, detail) {
        const before = this.#actions.map(({ label }) => label);
        this.#actions = actions;
        if (before.join("\n") !== actions.map(({ label }) => label).join("\n")) {
            this.#buttons.replaceChildren(...actions.map((action, n) => this.#actionButton(action, n)));
        }
        set(this.#text, text);
        this.setDetail(detail);
    }

    get isUsed() {
        return this.#box.matches(":hover, :focus-within");
    }

    setDetail(detail) {
        set(this.#detail, detail);
    }

    remove() {
        const hadFocus = this.#box.contains(document.activeElement);
        this.#box.remove();
        if (hadFocus) {
            element("screen").querySelector("canvas")?.focus({ preventScroll: true });
        }
    }

    #actionButton({ label, primary }, number) {
        const made = button(label, () => this.#actions[number].run());
        made.classList.toggle("primary", primary === true);
        return made;
    }
}

function make(tag, name) {
    const made = document.createElement(tag);
    made.className = name;
    return made;
}

function button(label, run) {
    const made = make("button", "");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", run);
    return made;
}

function set(paragraph, text) {
    if (paragraph.textContent !== text) {
        paragraph.textContent = text;
    }
}
