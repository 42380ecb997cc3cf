/** Loads the texts of the page's language, beside the rest of the page, and translates its HTML with them. */

import { directionOf, preferred } from "./language.js";
import { translateMarkup } from "./markup.js";

/** Milliseconds after which the page speaks English. */
const LONGEST = 8_000;

/** A key of LANGUAGES: the one that the page speaks, "en" until the others' texts are here. */
export let language = "en";

/**
 * text -> its translation, a list of forms where it has a number; and forms, by the category of the number
 * @type {{texts: Object<string, string|string[]>, forms: Object<string, number>}}
 */
export let catalogue = { texts: {}, forms: {} };

/** Fulfilled when `language` and `catalogue` are those of the page. */
export const loaded = load(preferred());

async function load(wanted) {
    if (wanted !== language) {
        try {
            catalogue = await texts(wanted);
            language = wanted;
        } catch (error) {
            console.warn(`no texts in ${wanted}: ${error}`); // the page works in English
        }
    }
    document.documentElement.lang = language;
    document.documentElement.dir = directionOf(language);
    translateMarkup(document.documentElement, catalogue.texts);
}

async function texts(wanted) {
    const url = new URL(`../languages/${wanted}.json`, import.meta.url);
    const answer = await fetch(url, { signal: AbortSignal.timeout(LONGEST) });
    if (!answer.ok) {
        throw new Error(`HTTP ${answer.status}`);
    }
    return answer.json();
}
