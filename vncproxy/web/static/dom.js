/** Access to the page's own elements. */

/**
 * @param {string} id - of an element that `index.html` has
 * @returns {HTMLElement}
 */
export const element = (id) => document.getElementById(id);

/** Call `action` when the element with this id is clicked or activated by key. */
export const onClick = (id, action) => element(id).addEventListener("click", action);

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
