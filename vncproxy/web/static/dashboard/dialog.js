/** The dialog: asks before something is done, and shows what became of it. */

import { make, setText, visible } from "./make.js";

const part = (name) => document.getElementById(name ? `dialog-${name}` : "dialog");

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text
 * @property {HTMLElement[]} [fields] - labels with fields in them
 * @property {string} confirm - the label of the button that does it
 * @property {boolean} [danger]
 * @property {() => Promise<Node|string|void>} run - does it; what it returns is shown, with a button that closes;
 *     fails with an error whose message is shown
 */

let asked = null;
let running = false;

/** Ask a question. The focus goes back when it is answered. @param {Question} question */
export function openDialog(question) {
    asked = question;
    running = false;
    setText(part("title"), question.title);
    setText(part("text"), question.text);
    setText(part("problem"), "");
    part("fields").replaceChildren(...(question.fields ?? []));
    const run = part("run");
    run.hidden = false;
    run.disabled = false;
    run.textContent = question.confirm;
    run.classList.toggle("danger", question.danger === true);
    setText(part("cancel"), "Cancel");
    part("").showModal();
    (part("fields").querySelector("input, textarea, select") ?? part("cancel")).focus();
}

/** Let the dialog work; called once. */
export function attachDialog() {
    part("cancel").addEventListener("click", () => part("").close());
    part("form").addEventListener("submit", (event) => {
        event.preventDefault();
        answer(asked);
    });
    part("").addEventListener("close", () => {
        asked = null;
        part("fields").replaceChildren();
    });
}

/** Close it, whatever it asks. */
export const closeDialog = () => part("").open && part("").close();

async function answer(question) {
    if (running || !question) {
        return; // somebody presses twice
    }
    running = true;
    part("run").disabled = true;
    setText(part("problem"), "");
    try {
        const result = await question.run();
        if (asked === question) {
            result ? showResult(result) : part("").close();
        }
    } catch (problem) {
        if (asked === question) {
            setText(part("problem"), visible(problem.message));
            part("run").disabled = false;
        }
    } finally {
        running = asked === question ? false : running;
    }
}

function showResult(result) {
    const shown = typeof result === "string" ? make("p", { className: "result" }, result) : result;
    setText(part("text"), "");
    part("fields").replaceChildren(shown);
    part("run").hidden = true;
    setText(part("cancel"), "Close");
    shown.tabIndex = shown.tagName === "A" ? 0 : -1;
    shown.focus();
}

/** Make a labelled field. */
export function field(label, element) {
    return make("label", { className: "field" }, label, element);
}

/** Make a labelled check box. */
export function choice(label, box) {
    return make("label", { className: "choice" }, box, ` ${label}`);
}
