/** Recordings: a page of them at a time, and links to watch them. */

import { ask } from "./api.js";
import { field, openDialog } from "./dialog.js";
import { Filter } from "./filter.js";
import { button, foreign, setText, visible } from "./make.js";
import { Pages } from "./pages.js";
import { keepName, link, nameField } from "./session-actions.js";
import { Table, actions } from "./table.js";
import { bytes, duration, moment } from "./words.js";

/** Recordings of a page. */
const PAGE = 50;
const STATES = { recording: "Being recorded", ended: "Complete", cut: "Cut off" };
const PLAYABLE = { yes: "", no: ", cannot be shown", making: ", is being prepared" };

/** The view of recordings. */
export class Recordings {
    #asked = 0;
    #filter;
    #onProblem;
    #pages;
    #table;

    /** @param {(problem: Error|null) => void} onProblem - called with what is wrong, or null */
    constructor(onProblem) {
        this.#onProblem = onProblem;
        this.#filter = new Filter("recording-filter", () => this.#begin());
        this.#pages = new Pages(document.getElementById("recording-pages"), "recording", () => this.show());
        const parent = document.getElementById("recording-table");
        const title = "Recordings, the newest first";
        this.#table = new Table(parent, title, COLUMNS, ({ session }) => session, "There is no such recording.");
    }

    /** Ask for the page that is shown; a later call counts. */
    async show() {
        const asked = ++this.#asked;
        try {
            const query = { ...this.#filter.read(), limit: PAGE, after: this.#pages.after };
            const { recordings, next } = await ask("GET", "recordings", { query });
            if (asked === this.#asked) {
                this.#table.show(recordings);
                this.#pages.show(recordings.length, next);
                this.#filter.showProblem("");
                this.#onProblem(null);
            }
        } catch (problem) {
            if (asked === this.#asked) {
                this.#tell(problem);
            }
        }
    }

    #begin() {
        this.#pages.reset();
        return this.show();
    }

    #tell(problem) {
        if (problem.status === 501) {
            this.#filter.showProblem("This proxy records nothing: its configuration has no [recording].");
        } else if (problem.field) {
            this.#filter.showProblem(problem.message, problem.field);
        } else {
            this.#onProblem(problem);
        }
    }
}

const text = (cell, value) => {
    if (cell.shown !== value) {
        cell.shown = value;
        cell.replaceChildren(foreign(value));
    }
};

const COLUMNS = [
    { label: "Machine", className: "foreign", fill: (cell, { vm }) => text(cell, vm) },
    { label: "User", className: "foreign", fill: (cell, { user }) => text(cell, user) },
    { label: "Began", fill: (cell, { started_at }) => setText(cell, moment(started_at)) },
    { label: "Length", fill: (cell, { seconds }) => setText(cell, duration(seconds)) },
    { label: "Size", fill: (cell, recording) => setText(cell, bytes(recording.bytes)) },
    { label: "State", fill: showState },
    { label: "Proxy", fill: (cell, { proxy }) => text(cell, proxy) },
    actions("Actions", (item) => [button("Watch", () => watch(item()))], update),
];

function showState(cell, { state, playable, sealed }) {
    setText(cell, `${STATES[state] ?? state}${PLAYABLE[playable] ?? ""}${sealed ? ", sealed" : ""}`);
}

function update([watches], { vm, user, playable }) {
    watches.disabled = playable === "no";
    watches.ariaLabel = `Watch: ${visible(user ?? "unknown user")} at ${visible(vm)}`;
}

function watch({ session, user, vm }) {
    const who = nameField();
    openDialog({
        title: "Watch this recording?",
        text: `The link shows the recording of ${visible(user ?? "an unknown user")} at ${visible(vm)} to anybody who has it, and is good for a short time. Your name stands in the audit log.`,
        fields: [field("Your name", who)],
        confirm: "Make a link",
        async run() {
            const path = `recordings/${encodeURIComponent(session)}/links`;
            const { url } = await ask("POST", path, { body: { user: keepName(who) } });
            return link(url, "Open the recording in a new tab");
        },
    });
}
