/** The dialog before a console: a text to accept, and the wait for the approval of others. */

import { element, onClick } from "../page/dom.js";

/** Milliseconds after a change of the buttons in which a click is meant for those before. */
const SETTLE_TIME = 500;
/** Milliseconds that the gateway has to answer a user who leaves. */
const LEAVE_TIME = 3_000;

export function attach(connection) {
    const dialog = element("consent");
    const accept = () => connection.ask("consent", { accept: true }).catch(() => {});
    const leave = () =>
        connection.ask("consent", { accept: false }, LEAVE_TIME).catch(() => connection.disconnect());
    const show = makeShow(dialog);
    connection.onTold("consent", (asked) => (asked.given ? dialog.close() : show(asked)));
    connection.addEventListener("change", () => {
        if (connection.state.name !== "connecting") {
            dialog.close();
        }
    });
    onClick("consent-accept", accept);
    onClick("consent-leave", () => show.isSettled() && leave());
    // Escape says no as the button does: the dialog stays until the gateway has taken the answer
    dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        leave();
    });
}

/** Return the function that shows what is asked; its `isSettled` tells whether a click counts. */
function makeShow(dialog) {
    let step = "";
    let settled = 0;
    const show = (asked) => {
        const [before, opens] = [step, !dialog.open];
        step = asked.accepted ? "approval" : "banner";
        fill(asked);
        if (opens) {
            dialog.showModal();
        } else if (step !== before) {
            settled = performance.now() + SETTLE_TIME;
        }
        if (opens || step !== before) {
            // a user who still types must not press a button by that
            element("consent-text").focus();
        }
    };
    show.isSettled = () => performance.now() >= settled;
    return show;
}

function fill(asked) {
    const waits = asked.accepted;
    element("consent-title").textContent = waits ? "Waiting for approval" : "Please read this first";
    element("consent-text").textContent = waits ? whatFor(asked) : asked.banner;
    element("consent-state").textContent = waits ? progress(asked) : "";
    element("consent-accept").hidden = waits;
    element("consent-leave").textContent = waits ? "Leave" : "Decline";
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
