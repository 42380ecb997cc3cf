/** What users see that are not logged in: the way to the provider, and a field for a key. */

import { enterByKey } from "./requests.js";
import { t } from "../texts/texts.js";

const byId = (id) => document.getElementById(id);

/** Show the ways to log in. */
export function showEntrance(state, tell) {
    byId("entrance").hidden = !state.login && !state.keys;
    byId("by-login").hidden = !state.login;
    byId("by-key").hidden = !state.keys;
    byId("log-in").textContent = t("Log in with {provider}", { provider: state.login });
    byId("entrance-note").textContent = state.login
        ? t("Log in to see the machines that you may open.")
        : t("Enter a key to see the machines that it may open.");
    byId("by-key").addEventListener("submit", (event) => {
        event.preventDefault();
        submit(tell);
    });
}

async function submit(tell) {
    const field = byId("key");
    byId("key-problem").textContent = "";
    tell("");
    try {
        await enterByKey(field.value.trim());
        field.value = "";
        location.reload();
    } catch (error) {
        byId("key-problem").textContent = error.message;
        field.select();
    }
}
