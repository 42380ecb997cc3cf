/** The language of the page: that of its link, else the remembered one, else the browser's. */

import { readLink } from "../session/link.js";
import { recall, remember } from "../page/remembered.js";

const NAME = "language";
/** tag -> the language's name for itself; each but English has a file in `vncproxy/languages`. */
export const LANGUAGES = {
    en: "English",
    de: "Deutsch",
    es: "Español",
    fr: "Français",
    ja: "日本語",
    zh: "简体中文",
};
/** Languages that are written from right to left. */
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
const ENGLISH = "en";

/** @returns {string} a key of LANGUAGES */
export function preferred() {
    const wanted = [readLink(location.href).lang, recall(NAME), ...navigator.languages];
    return wanted.map(known).find(Boolean) ?? ENGLISH;
}

/** Load the page again in a language, which this browser remembers. */
export function change(language) {
    remember(NAME, language);
    const url = new URL(location.href);
    const fragment = new URLSearchParams(url.hash.slice(1));
    for (const place of [url.searchParams, fragment].filter((each) => each.has("lang"))) {
        place.set("lang", language);
    }
    if (fragment.has("lang")) {
        url.hash = fragment;
    }
    history.replaceState(null, "", url);
    location.reload();
}

export const directionOf = (language) => (RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr");

/** The language among ours that a tag such as "de-AT" or "zh_CN" asks for. */
function known(tag) {
    const language = tag?.toLowerCase().split(/[-_]/)[0];
    return language in LANGUAGES ? language : undefined;
}
