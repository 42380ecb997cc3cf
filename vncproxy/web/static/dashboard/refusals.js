/** What was refused, by reason: from the counters that each process announces. */

import { foreign, make, setText } from "./make.js";
import { Table } from "./table.js";
import { moment } from "./words.js";

/** The view of refusals. */
export class Refusals {
    #first = null;
    #rights;
    #table;

    /** @param {import("./rights.js").Rights} rights */
    constructor(rights) {
        this.#rights = rights;
        const parent = document.getElementById("refusal-table");
        const empty = rights.everything
            ? "Nothing has been refused."
            : "This key is limited to some machines, and does not see what was refused.";
        this.#table = new Table(parent, "Refusals, the most frequent first", COLUMNS, ({ reason }) => reason, empty);
    }

    /** Show what the API says of all proxies. */
    take({ proxies }) {
        if (!this.#rights.everything) {
            this.#table.show([]);
            return;
        }
        const counts = countAll(proxies);
        this.#first ??= new Map([...counts].map(([reason, { total }]) => [reason, total]));
        const rows = [...counts].map(([reason, { total, at }]) => {
            // fewer than before: a process with its counts has ended
            const since = Math.max(0, total - (this.#first.get(reason) ?? 0));
            return { reason, total, at, since };
        });
        rows.sort((a, b) => b.total - a.total || (a.reason < b.reason ? -1 : 1));
        this.#table.show(rows);
        setText(document.getElementById("refusal-note"), oldest(proxies));
    }
}

const COLUMNS = [
    { label: "Reason", fill: (cell, { reason }) => fillOnce(cell, reason, () => make("code", {}, foreign(reason))) },
    { label: "Since start", fill: (cell, { total }) => setText(cell, total.toLocaleString()) },
    { label: "Since you opened this page", fill: (cell, { since }) => setText(cell, since ? `+${since.toLocaleString()}` : "0") },
    { label: "At", className: "foreign", fill: (cell, { at }) => fillOnce(cell, JSON.stringify(at), () => places(at)) },
];

function fillOnce(cell, shown, fill) {
    if (cell.shown !== shown) {
        cell.shown = shown;
        cell.replaceChildren(fill());
    }
}

const places = (at) =>
    make("span", {}, ...at.flatMap(([name, number], n) => [n ? ", " : "", foreign(name), `: ${number.toLocaleString()}`]));

function countAll(proxies) {
    const counts = new Map();
    for (const { name, workers = [] } of proxies) {
        for (const [reason, number] of workers.flatMap(({ refusals = {} }) => Object.entries(refusals))) {
            const known = counts.get(reason) ?? { total: 0, at: new Map() };
            known.total += number;
            known.at.set(name, (known.at.get(name) ?? 0) + number);
            counts.set(reason, known);
        }
    }
    return new Map([...counts].map(([reason, { total, at }]) => [reason, { total, at: [...at] }]));
}

function oldest(proxies) {
    const starts = proxies.flatMap(({ workers = [] }) => workers.map(({ started_at }) => started_at)).sort();
    return starts.length ? `The oldest of these processes was started on ${moment(starts[0])}.` : "";
}
