/** Elements that are made by scripts, of text that may come from anybody. */

/** Control characters, and those that turn text around: what `vncproxy.text` escapes, too. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;

/** Return a text in which characters that are not seen, or that turn others around, are visible. */
export const visible = (text) =>
    String(text).replace(CONTROL, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * Make an element.
 * @param {string} tag
 * @param {object} [properties] - of the element, such as `className` and `onclick`
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function make(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    Object.assign(made, properties);
    made.append(...children);
    return made;
}

/** Make a name that a user or a tenant chose: it cannot turn around what stands beside it. */
export const foreign = (text) => make("bdi", {}, visible(text ?? "–"));

/** Make a button. */
export const button = (label, onclick, more = {}) =>
    make("button", { type: "button", textContent: label, onclick, ...more });

/** Set the text of an element, unless it has it already. */
export function setText(element, text) {
    if (element.textContent !== text) {
        element.textContent = text;
    }
}

/** Say something to screen readers, once. */
export function say(text) {
    const said = document.getElementById("said");
    said.textContent = "";
    setTimeout(() => (said.textContent = text), 50);
}
