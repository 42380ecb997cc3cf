/** Tables whose rows are kept while they are updated, so that the focus and selected text stay. */

import { make } from "./make.js";

/**
 * @typedef {object} Column
 * @property {string} label - of its header
 * @property {(cell: HTMLElement, item: object) => void} fill - shows an item in a cell; called again and again
 * @property {string} [className] - of its cells
 */

/** A table. */
export class Table {
    #body = make("tbody");
    #columns;
    #empty;
    #keyOf;
    #rows = new Map();
    #table;

    /**
     * @param {HTMLElement} parent
     * @param {string} caption
     * @param {Column[]} columns
     * @param {(item: object) => string} keyOf - what tells rows apart
     * @param {string} empty - what stands in place of rows
     */
    constructor(parent, caption, columns, keyOf, empty) {
        this.#columns = columns;
        this.#keyOf = keyOf;
        // roles stay where a style sheet turns rows into cards
        const heads = columns.map(({ label }) => role(make("th", { scope: "col" }, label), "columnheader"));
        const head = role(make("thead", {}, role(make("tr", {}, ...heads), "row")), "rowgroup");
        const title = make("caption", { className: "visually-hidden" }, caption);
        this.#table = role(make("table", {}, title, head, role(this.#body, "rowgroup")), "table");
        this.#empty = make("p", { className: "empty", hidden: true }, empty);
        parent.replaceChildren(this.#table, this.#empty);
    }

    /** Show items, and only these, in this order. */
    show(items) {
        const hadFocus = this.#body.contains(document.activeElement);
        const keys = new Set(items.map(this.#keyOf));
        for (const [key, { row }] of this.#rows) {
            if (!keys.has(key)) {
                row.remove();
                this.#rows.delete(key);
            }
        }
        items.forEach((item, at) => this.#place(item, at));
        this.#table.hidden = !items.length;
        this.#empty.hidden = items.length > 0;
        if (hadFocus && !this.#body.contains(document.activeElement)) {
            this.#table.closest("section")?.querySelector("h2")?.focus();
        }
    }

    /** Fill all cells again, since time has passed. */
    refresh() {
        for (const { cells, item } of this.#rows.values()) {
            this.#fill(cells, item);
        }
    }

    #place(item, at) {
        const key = this.#keyOf(item);
        const known = this.#rows.get(key) ?? this.#makeRow();
        known.item = item;
        this.#rows.set(key, known);
        this.#fill(known.cells, item);
        if (this.#body.children[at] !== known.row) {
            this.#body.insertBefore(known.row, this.#body.children[at] ?? null);
        }
    }

    #makeRow() {
        const cells = this.#columns.map(({ label, className = "" }) => {
            const cell = role(make("td", { className }), "cell");
            cell.dataset.label = label;
            return cell;
        });
        return { row: role(make("tr", {}, ...cells), "row"), cells, item: null };
    }

    #fill(cells, item) {
        this.#columns.forEach(({ fill }, at) => fill(cells[at], item));
    }
}

function role(element, name) {
    element.setAttribute("role", name);
    return element;
}

/**
 * Return a column of buttons, which stay the same elements and act on the latest item.
 * @param {string} label
 * @param {(item: () => object) => HTMLButtonElement[]} makeButtons
 * @param {(buttons: HTMLButtonElement[], item: object) => void} [update]
 * @returns {Column}
 */
export function actions(label, makeButtons, update = () => {}) {
    return {
        label,
        className: "row-actions",
        fill(cell, item) {
            cell.item = item;
            if (!cell.buttons) {
                cell.buttons = makeButtons(() => cell.item);
                cell.replaceChildren(...cell.buttons);
            }
            update(cell.buttons, item);
        },
    };
}
