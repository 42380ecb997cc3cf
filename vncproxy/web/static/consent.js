/** The dialog before a console: a text to accept, and the wait for the approval of others. */

import { element, onClick } from "./dom.js";

export function attach(connection) {
    const dialog = element("consent");
    const answer = (accept) => connection.ask("consent", { accept }).catch(() => {});
    connection.onTold("consent", (asked) => (asked.given ? dialog.close() : show(dialog, asked)));
    connection.addEventListener("change", () => {
        if (connection.state.name !== "connecting") {
            dialog.close();
        }
    });
    onClick("consent-accept", () => answer(true));
    onClick("consent-leave", () => answer(false));
    // Escape says no as the button does: the dialog stays until the gateway has taken the answer
    dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        answer(false);
    });
}

function show(dialog, asked) {
    const waits = asked.accepted;
    element("consent-title").textContent = waits ? "Waiting for approval" : "Please read this first";
    element("consent-text").textContent = waits ? whatFor(asked) : asked.banner;
    element("consent-state").textContent = waits ? progress(asked) : "";
    element("consent-accept").hidden = waits;
    element("consent-leave").textContent = waits ? "Leave" : "Decline";
    if (!dialog.open) {
        dialog.showModal();
    }
    // a user who still types must not press a button by that
    element("consent-text").focus();
}

function whatFor({ needed, since, user, vm }) {
    const people = needed === 1 ? "one person" : `${needed} people`;
    const who = user ? ` for ${user}` : "";
    const time = new Date(since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    return `The console of ${vm} opens${who} when ${people} with the right to approve have said yes. Waiting since ${time}.`;
}

function progress({ needed, by }) {
    const names = by.length ? `: ${by.join(", ")}` : "";
    return `${by.length} of ${needed} have approved${names}.`;
}
