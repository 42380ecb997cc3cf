/** A form with criteria, which the API applies. */

import { setText, visible } from "./make.js";

/** The criteria of one list. */
export class Filter {
    #form;

    /**
     * @param {string} id - of the form
     * @param {() => unknown} apply - called when other criteria are to be applied
     */
    constructor(id, apply) {
        this.#form = document.getElementById(id);
        this.#form.addEventListener("submit", (event) => {
            event.preventDefault();
            apply();
        });
        // the fields are empty only after this event
        this.#form.addEventListener("reset", () => setTimeout(apply));
    }

    /** Return the criteria by name; those that are empty are left out. */
    read() {
        const given = [...new FormData(this.#form)].map(([name, value]) => [name, value.trim()]);
        return Object.fromEntries(given.filter(([, value]) => value));
    }

    /** Say what is wrong with them; an empty text where nothing is. */
    showProblem(message, field = "") {
        setText(this.#form.querySelector(".error"), visible(message));
        for (const input of this.#form.elements) {
            input.name && input.setAttribute("aria-invalid", String(input.name === field));
        }
    }

    /** Offer values in a list of choices, and keep what is chosen. */
    offer(name, values) {
        const select = this.#form.elements[name];
        const chosen = select.value;
        const wanted = ["", ...values];
        if (wanted.join("\n") !== [...select.options].map(({ value }) => value).join("\n")) {
            select.replaceChildren(...wanted.map((value) => new Option(visible(value) || "All", value)));
            select.value = wanted.includes(chosen) ? chosen : "";
        }
    }
}
