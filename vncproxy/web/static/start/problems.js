/** Why a user was not logged in, in words: the gateway leads back to this page with a word for it. */

import { t } from "../texts/texts.js";

const TEXTS = {
    "denied": t("You were not logged in: the login was cancelled, or is not allowed to you."),
    "other-browser": t("This login was not begun in this browser, or took too long. Log in again."),
    "used": t("This login has come to its end already. Log in again."),
    "provider": t("The login service does not answer. Try again in a moment."),
    "untrusted": t("The answer of the login service could not be trusted. Log in again; if this goes on, tell your administrator."),
    "identity": t("The login service does not say who you are in a form that can be used here. Tell your administrator."),
};

/**
 * @param {string} href - address of the page
 * @returns {string} a sentence, or ""
 */
export function problemIn(href) {
    const query = new URL(href).searchParams;
    const text = TEXTS[query.get("problem")] ?? "";
    const id = query.get("id") ?? "";
    return text && /^[0-9a-f]{16}$/.test(id) ? t("{reason} (id {id})", { reason: text, id }) : text;
}
