/** Access to the page's own elements. */

/**
 * @param {string} id - of an element that `index.html` has
 * @returns {HTMLElement}
 */
export const element = (id) => document.getElementById(id);

/** Call `action` when the element with this id is clicked or activated by key. */
export const onClick = (id, action) => element(id).addEventListener("click", action);
