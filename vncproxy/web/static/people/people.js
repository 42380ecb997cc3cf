/** The others at the machine: a list in the toolbar, and a notice when one comes or goes. */

import * as notices from "../page/notices.js";
import { element } from "../page/dom.js";
import { list, t, tn } from "../texts/texts.js";

/** Milliseconds for which a notice is shown. */
const NOTICE_TIME = 8_000;
/** Names that a notice has; more are counted. */
const MOST_NAMES = 3;
const NOTICE = "people";

/**
 * @typedef {object} Person
 * @property {string} name - "" where the gateway does not tell it
 * @property {"control"|"view-only"} mode
 * @property {boolean} [drives] - whether this one has the control, where one has it at a time
 * @property {boolean} [shadow] - whether this one is an administrator
 */

export function attach(connection) {
    const people = new People();
    connection.addEventListener("screen", () => people.forget());
    connection.addEventListener("told", ({ detail }) => {
        if (detail.event === "people") {
            people.set(detail.others, detail.found);
        } else if (detail.event === "invitations") {
            people.allowInviting();
        }
    });
    connection.addEventListener("change", () => {
        if (!connection.live && !connection.onTheMove) {
            people.forget();
        }
    });
}

class People {
    #others = [];
    #invites = false;
    #timer = null;

    /** A new connection is told anew. */
    forget() {
        this.#others = [];
        this.#invites = false;
        notices.hide(NOTICE);
        this.#show();
    }

    allowInviting() {
        this.#invites = true;
        this.#show();
    }

    /**
     * @param {Person[]} others
     * @param {boolean} found - whether they were there before this user
     */
    set(others, found) {
        const [came, gone] = [missing(others, this.#others), missing(this.#others, others)];
        const sentences = [
            came.length && (found ? here : joined)(listed(came), came.length),
            gone.length && left(listed(gone), gone.length),
        ].filter(Boolean);
        if (sentences.length > 0) {
            this.#notify(sentences.join(" "));
        }
        this.#others = others;
        this.#show();
    }

    #notify(text) {
        notices.show(NOTICE, text);
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => notices.hide(NOTICE), NOTICE_TIME);
    }

    #show() {
        const count = this.#others.length;
        element("people").hidden = count === 0 && !this.#invites;
        element("people-count").hidden = count === 0;
        element("people-count").textContent = String(count + 1);
        const title = count === 0 ? t("People") : t("People: {count} at this machine", { count: count + 1 });
        element("people").title = element("people").ariaLabel = title;
        element("people-list").replaceChildren(item(t("You")), ...this.#others.map(itemOf));
        if (element("people").hidden) {
            element("people-menu").hidePopover();
        }
    }
}

function itemOf({ name, mode, drives, shadow }) {
    const what = drives ? t("has the control") : mode === "view-only" ? t("watches") : "";
    return item(name || (shadow ? t("An administrator") : t("Somebody else")), what);
}

function item(name, what = "") {
    const made = document.createElement("li");
    const label = document.createElement("span");
    label.textContent = name;
    made.append(label);
    if (what) {
        const note = document.createElement("small");
        note.textContent = what;
        made.append(note);
    }
    return made;
}

/** The names of some that are not among others; two of one name are two. */
function missing(some, others) {
    const left = others.map(({ name }) => name);
    return some.map(({ name }) => name).filter((name) => {
        const at = left.indexOf(name);
        if (at >= 0) {
            left.splice(at, 1);
        }
        return at < 0;
    });
}

const here = (names, count) => tn("{names} is here, too.", "{names} are here, too.", count, { names });
const joined = (names, count) => tn("{names} has joined.", "{names} have joined.", count, { names });
const left = (names, count) => tn("{names} has left.", "{names} have left.", count, { names });

function listed(names) {
    const known = names.map((name) => name || t("Somebody else"));
    const shown = known.slice(0, MOST_NAMES);
    if (known.length > shown.length) {
        shown.push(tn("{count} more", "{count} more", known.length - shown.length));
    }
    return list(shown);
}
