/** Tokens: one by its id; and revocation of one, or of all of a machine or user. */

import { ask } from "./api.js";
import { openDialog } from "./dialog.js";
import { foreign, make, setText, visible } from "./make.js";
import { lateWords } from "./said.js";
import { count, moment } from "./words.js";

const byId = (id) => document.getElementById(id);

/** The view of tokens. */
export class Tokens {
    #shown = byId("token-shown");
    #token = null;

    /** @param {import("./rights.js").Rights} rights */
    constructor(rights) {
        const mayRevoke = rights.may("issue");
        byId("token-revoke").hidden = !mayRevoke;
        this.#shown.querySelector("button").hidden = !mayRevoke;
        onSubmit("token-show", (form) => this.#show(form.elements.id.value.trim()));
        onSubmit("token-revoke", (form) => revokeAll(form.elements.by.value, form.elements.of.value.trim()));
        this.#shown.querySelector("button").addEventListener("click", () => this.#revoke());
    }

    async #show(id) {
        this.#shown.hidden = true;
        this.#token = await ask("GET", `tokens/${encodeURIComponent(id)}`);
        const facts = Object.entries(factsOf(this.#token));
        const shown = facts.flatMap(([label, text]) => [make("dt", {}, label), make("dd", {}, foreign(text))]);
        this.#shown.querySelector("dl").replaceChildren(...shown);
        this.#shown.hidden = false;
    }

    #revoke() {
        const { id, user, vm } = this.#token;
        openDialog({
            title: "Revoke this token?",
            text: `The link of ${visible(user)} to ${visible(vm)} opens nothing any more, and its sessions end at once.`,
            confirm: "Revoke",
            danger: true,
            run: async () => {
                const answer = await ask("DELETE", `tokens/${encodeURIComponent(id)}`);
                this.#shown.hidden = true;
                return words(answer);
            },
        });
    }
}

function onSubmit(id, run) {
    const form = byId(id);
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const problem = form.querySelector(".error");
        setText(problem, "");
        try {
            await run(form);
        } catch (error) {
            setText(problem, visible(error.message));
        }
    });
}

function revokeAll(by, of) {
    openDialog({
        title: by === "vm" ? `Revoke all tokens of ${visible(of)}?` : `Revoke all tokens of user ${visible(of)}?`,
        text: "Their links open nothing any more, and their sessions end at once, at all proxies.",
        confirm: "Revoke all",
        danger: true,
        run: async () => words(await ask("DELETE", "tokens", { query: { [by]: of } })),
    });
}

const words = (answer) =>
    `${count(answer.revoked, "token")} revoked, ${count(answer.ended, "session")} ended. ${lateWords(answer)}`;

function factsOf({ vm, user, type, issued_at, expires_at, uses_left, policy }) {
    return {
        Machine: vm,
        User: user,
        Viewer: type === "novnc" ? "browser" : "native viewer",
        Mode: policy.mode === "view-only" ? "view only" : "control",
        Issued: moment(issued_at),
        Expires: moment(expires_at),
        "Uses left": uses_left ?? "any number",
    };
}
