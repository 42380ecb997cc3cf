/** Access to the page's own elements. */

/**
 * @param {string} id - of an element that `index.html` has
 * @returns {HTMLElement}
 */
export const element = (id) => document.getElementById(id);

/** Call `action` when the element with this id is clicked or activated by key. */
export const onClick = (id, action) => element(id).addEventListener("click", action);

/** Give the focus to the first button within an element that can be pressed; some are not shown. */
export function focusFirstButton(parent) {
    [...parent.querySelectorAll("button:not([disabled])")].find((each) => each.checkVisibility())?.focus();
}

/**
 * Copy the text of a field; over plain HTTP, where there is no `navigator.clipboard`, by selecting it.
 * @param {HTMLTextAreaElement} field
 * @returns {Promise<boolean>} whether it was copied
 */
export async function copyField(field) {
    try {
        await navigator.clipboard.writeText(field.value);
        return true;
    } catch {
        field.select();
        return document.execCommand("copy");
    }
}

/**
 * Copy a text; over plain HTTP by a field that is there for a moment.
 * @param {string} text
 * @returns {Promise<boolean>} whether it was copied
 */
export async function copyText(text) {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    (document.activeElement?.closest("[popover], dialog") ?? document.body).append(field);
    const copied = await copyField(field);
    field.remove();
    return copied;
}
