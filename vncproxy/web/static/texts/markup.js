/**
 * Translates HTML: text nodes, and attributes that are shown or spoken. Elements with `translate="no"` stay
 * as they are, and so does code. `vncproxy/languages/markup.py` finds the same texts.
 */

const ATTRIBUTES = ["title", "aria-label", "placeholder"];
const SKIPPED = '[translate="no"], script, style, code';

/**
 * @param {Element} root
 * @param {Object<string, string>} texts - text -> translation; a text without one stays
 */
export function translateMarkup(root, texts) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, skip);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        if (node.nodeType === Node.TEXT_NODE) {
            const [before, text, after] = split(node.data);
            if (Object.hasOwn(texts, text)) {
                node.data = before + texts[text] + after;
            }
            continue;
        }
        for (const name of ATTRIBUTES) {
            const text = words(node.getAttribute(name));
            if (Object.hasOwn(texts, text)) {
                node.setAttribute(name, texts[text]);
            }
        }
    }
}

const skip = (node) =>
    node.nodeType === Node.ELEMENT_NODE && node.matches(SKIPPED) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT;

const words = (text) => (text ?? "").trim().replace(/\s+/g, " ");

/** The white space before a text, the text, and the white space after it. */
function split(data) {
    const [, before, after] = /^(\s*)[^]*?(\s*)$/.exec(data);
    return [before, words(data), after];
}
