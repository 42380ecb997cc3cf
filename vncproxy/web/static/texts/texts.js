/**
 * What the page says, in its language. The English sentence is the key of a text.
 *
 * Whoever imports this module is evaluated when the texts are here, so that constants may call `t`.
 */

import { catalogue, language, loaded } from "./catalogue.js";

await loaded;

/** For `Intl`, and for the gateway. */
export { language };

const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";
const isRightToLeft = document.documentElement.dir === "rtl";
/** The page's language as the browser's user writes it: with their numbers and times. */
const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
const plurals = new Intl.PluralRules(locale);
const lists = new Intl.ListFormat(locale);

/**
 * @param {string} text - a literal, in English, with values as {name}
 * @param {Object<string, string|number>} [values]
 * @returns {string}
 */
export const t = (text, values = {}) => fill(catalogue.texts[text] ?? text, values);

/**
 * A text with a number that decides its form; it may have the number as {count}.
 * @param {string} one - in English, for 1
 * @param {string} other - in English, for other numbers
 * @param {number} count
 * @param {Object<string, string|number>} [values]
 */
export function tn(one, other, count, values = {}) {
    const forms = catalogue.texts[one];
    const english = count === 1 ? one : other;
    const text = Array.isArray(forms) ? forms[catalogue.forms[plurals.select(count)] ?? 0] : english;
    return fill(text ?? english, { count, ...values });
}

/** A number as text; options are those of `Intl.NumberFormat`. */
export const number = (value, options) => new Intl.NumberFormat(locale, options).format(value);

/** Texts as a list in words: "a, b and c". */
export const list = (texts) => lists.format(texts);

/** Time as text; options are those of `Intl.DateTimeFormat`. */
export const time = (date, options) => new Intl.DateTimeFormat(locale, options).format(date);

function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? shown(values[name]) : whole));
}

/** Where lines run from right to left, a name that does not must not move the words beside it. */
function shown(value) {
    if (typeof value === "number") {
        return number(value);
    }
    return isRightToLeft ? `${FIRST_STRONG_ISOLATE}${value}${POP_ISOLATE}` : String(value);
}
