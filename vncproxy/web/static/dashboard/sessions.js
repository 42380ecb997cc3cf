/** Live sessions of all proxies: a page of them at a time, kept up to date. */

import { ask } from "./api.js";
import { Filter } from "./filter.js";
import { button, foreign, make, setText } from "./make.js";
import { Pages } from "./pages.js";
import { Refreshing } from "./refreshing.js";
import { endSession, sendMessage, watchSession } from "./session-actions.js";
import { Table, actions } from "./table.js";
import { age, bytes } from "./words.js";

/** Sessions of a page. */
const PAGE = 50;

const STATES = { opening: "Opening", waiting: "Waiting", open: "Open" };

/** The view of sessions. */
export class Sessions {
    #filter;
    #onProblem;
    #pages;
    #refreshing = new Refreshing(() => this.#load());
    #table;

    /**
     * @param {import("./rights.js").Rights} rights
     * @param {(problem: Error|null) => void} onProblem - called with what is wrong, or null when nothing is any more
     */
    constructor(rights, onProblem) {
        this.#onProblem = onProblem;
        this.#filter = new Filter("session-filter", () => this.#begin());
        this.#pages = new Pages(document.getElementById("session-pages"), "session", () => this.show());
        const parent = document.getElementById("session-table");
        const empty = "No such session is live.";
        this.#table = new Table(parent, "Live sessions, the oldest first", columns(rights, this), (s) => s.id, empty);
        setText(document.getElementById("session-rights"), rights.missing([
            ["shadow", "watch sessions"],
            ["admin", "end them or send messages"],
        ]));
        setInterval(() => document.hidden || this.#table.refresh(), 10_000);
    }

    /** Ask for the page that is shown. */
    show() {
        return this.#refreshing.now();
    }

    /** Ask soon, since sessions have changed. */
    refresh() {
        this.#refreshing.soon();
    }

    /** Take the names of proxies. */
    takeProxies({ proxies }) {
        this.#filter.offer("proxy", [...new Set(proxies.map(({ name }) => name))]);
    }

    #begin() {
        this.#pages.reset();
        return this.show();
    }

    async #load() {
        const criteria = this.#filter.read();
        try {
            const query = { ...criteria, limit: PAGE, after: this.#pages.after };
            const { sessions, next } = await ask("GET", "sessions", { query });
            if (!sessions.length && this.#pages.after) {
                this.#pages.reset(); // all of that page have ended
                this.#refreshing.soon();
            }
            this.#table.show(sessions);
            this.#pages.show(sessions.length, next);
            this.#filter.showProblem("");
            this.#onProblem(null);
        } catch (problem) {
            if (problem.field) {
                this.#filter.showProblem(problem.message, problem.field);
            } else {
                this.#onProblem(problem);
                // what may work in a moment is tried again; a refusal of the key's rights is not
                if (!problem.status || problem.status >= 500) {
                    this.#refreshing.soon();
                }
            }
        }
    }
}

function columns(rights, view) {
    const found = [
        { label: "User", className: "foreign", fill: (cell, { user }) => name(cell, user) },
        { label: "Machine", className: "foreign", fill: (cell, { vm }) => name(cell, vm) },
        { label: "Client", className: "foreign", fill: (cell, { client, type }) => lines(cell, client, viewer(type)) },
        { label: "Proxy", fill: (cell, { proxy, host }) => lines(cell, proxy, host && `console at ${host}`) },
        { label: "State", fill: showState },
        { label: "Since", className: "whole", fill: (cell, { started_at }) => setText(cell, age(started_at)) },
        { label: "Bytes", className: "whole", fill: (cell, session) => setText(cell, traffic(session)) },
    ];
    const may = { watch: rights.may("shadow"), act: rights.may("admin") };
    return may.watch || may.act ? [...found, actions("Actions", (item) => buttons(item, may, view), update)] : found;
}

function buttons(item, may, view) {
    const labelled = (label, run) => button(label, () => run(item(), () => view.show()));
    return [
        ...(may.watch ? [labelled("Watch", watchSession)] : []),
        ...(may.act ? [labelled("Message", sendMessage), labelled("End", endSession)] : []),
    ];
}

/** Tell screen readers which session a button is for. */
function update(buttons, { user, vm }) {
    for (const each of buttons) {
        each.ariaLabel = `${each.textContent}: ${user ?? "unknown user"} at ${vm ?? "no machine yet"}`;
    }
}

function name(cell, text) {
    if (cell.shown !== text) {
        cell.shown = text;
        cell.replaceChildren(foreign(text));
    }
}

function lines(cell, first, second) {
    const shown = `${first}\n${second}`;
    if (cell.shown !== shown) {
        cell.shown = shown;
        const more = second ? [make("small", {}, foreign(second))] : [];
        cell.replaceChildren(foreign(first), ...more);
    }
}

function showState(cell, { state, mode, joins, approval }) {
    const words = [mode === "view-only" ? "view only" : ""];
    words.push(joins ? `joined session ${joins.session}` : "");
    words.push(approval && state === "waiting" ? `${approval.by.length} of ${approval.needed} approvals` : "");
    lines(cell, STATES[state] ?? state, words.filter(Boolean).join(", "));
}

const viewer = (type) => ({ novnc: "browser", xvpvnc: "native viewer", keys: "types keys" })[type] ?? type;

const traffic = ({ bytes_down, bytes_up }) => `↓ ${bytes(bytes_down)} ↑ ${bytes(bytes_up)}`;
