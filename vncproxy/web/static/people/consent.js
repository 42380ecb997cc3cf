/** The dialog before a console: a text to accept, and the wait for the approval of others. */

import { element, onClick } from "../page/dom.js";
import { list, t, time, tn } from "../texts/texts.js";

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
    element("consent-title").textContent = waits ? t("Waiting for approval") : t("Please read this first");
    element("consent-text").textContent = waits ? whatFor(asked) : asked.banner;
    element("consent-state").textContent = waits ? progress(asked) : "";
    element("consent-accept").hidden = waits;
    element("consent-leave").textContent = waits ? t("Leave") : t("Decline");
}

function whatFor({ needed, since, user, vm }) {
    const values = { vm, user, time: time(new Date(since), { hour: "2-digit", minute: "2-digit" }) };
    return user
        ? tn(
            "The console of {vm} opens for {user} when one person with the right to approve has said yes. Waiting since {time}.",
            "The console of {vm} opens for {user} when {count} people with the right to approve have said yes. Waiting since {time}.",
            needed, values,
        )
        : tn(
            "The console of {vm} opens when one person with the right to approve has said yes. Waiting since {time}.",
            "The console of {vm} opens when {count} people with the right to approve have said yes. Waiting since {time}.",
            needed, values,
        );
}

function progress({ needed, by }) {
    const values = { done: by.length, names: list(by) };
    return by.length
        ? tn("{done} of {count} has approved: {names}.", "{done} of {count} have approved: {names}.", needed, values)
        : tn("{done} of {count} has approved.", "{done} of {count} have approved.", needed, values);
}
