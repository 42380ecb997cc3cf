/** The pages of a list that the API gives in parts: back, on, and where one is. */

import { button, make, setText } from "./make.js";
import { count } from "./words.js";

/** Turns pages. */
export class Pages {
    #before = [];
    #back;
    #next = "";
    #noun;
    #on;
    #where = make("span");

    /**
     * @param {HTMLElement} parent
     * @param {string} noun - what the list is of
     * @param {() => unknown} turn - called when another page is to be shown: the one at `after`
     */
    constructor(parent, noun, turn) {
        this.after = "";
        this.#noun = noun;
        this.#back = button("Earlier page", () => this.#turn(this.#before.pop() ?? "", turn));
        this.#on = button("Next page", () => {
            this.#before.push(this.after);
            this.#turn(this.#next, turn);
        });
        this.#back.hidden = this.#on.hidden = true;
        parent.replaceChildren(this.#back, this.#where, this.#on);
    }

    /** Begin at the first page. */
    reset() {
        this.after = "";
        this.#before = [];
    }

    /**
     * Say what is shown.
     * @param {number} shown - how many
     * @param {string|null} next - where the next page begins
     */
    show(shown, next) {
        this.#next = next ?? "";
        this.#back.disabled = !this.#before.length;
        this.#on.disabled = !next;
        const several = this.#before.length > 0 || next;
        const page = several ? `, page ${this.#before.length + 1}` : "";
        setText(this.#where, `${count(shown, this.#noun)}${page}`);
        this.#back.hidden = this.#on.hidden = !several;
    }

    #turn(after, turn) {
        this.after = after;
        turn();
    }
}
