/** What an operator does with one session: watch it, end it, send its user a message. */

import { ask } from "./api.js";
import { choice, field, openDialog } from "./dialog.js";
import { make, say, visible } from "./make.js";
import { lateWords } from "./said.js";

/** Characters of a message. */
const LONGEST_MESSAGE = 500;
const WHO = "vncproxy.dashboard.who";

const of = ({ user, vm }) => `${visible(user ?? "an unknown user")} at ${visible(vm ?? "no machine yet")}`;

/** Ask whether a session is to end, and end it. */
export function endSession(session, done) {
    const revoke = make("input", { type: "checkbox" });
    openDialog({
        title: "End this session?",
        text: `The session of ${of(session)} ends at once. Unless the link is revoked, the page can open it again.`,
        fields: session.token_id ? [choice("Revoke its link as well, and end its other sessions", revoke)] : [],
        confirm: "End session",
        danger: true,
        async run() {
            const query = revoke.checked ? { revoke: "true" } : {};
            const answer = await ask("DELETE", `sessions/${encodeURIComponent(session.id)}`, { query });
            done();
            say(`The session of ${of(session)} has ended.`);
            return lateWords(answer);
        },
    });
}

/** Ask for a message, and send it. */
export function sendMessage(session) {
    const text = make("textarea", { rows: 3, maxLength: LONGEST_MESSAGE, required: true });
    openDialog({
        title: "Message to the user",
        text: `The console page of ${of(session)} shows it as a notice from the operator. It stands in the audit log.`,
        fields: [field("Message", text)],
        confirm: "Send",
        async run() {
            const body = { text: text.value.replace(/\s+/g, " ").trim() };
            const path = `sessions/${encodeURIComponent(session.id)}/message`;
            return messageWords(session, await ask("POST", path, { body }));
        },
    });
}

function messageWords(session, answer) {
    if (answer.unconfirmed) {
        return "Its proxy did not answer in time, so it is not known whether the message is shown.";
    }
    if (answer.shown) {
        return "The page shows the message.";
    }
    return session.type === "novnc"
        ? "The message was not shown: the page takes nothing at the moment, or is not ours. Try again."
        : "The message was not shown: this viewer is no browser, and cannot show messages.";
}

/** Make a link that looks at a session, without control. */
export function watchSession(session) {
    const who = nameField();
    openDialog({
        title: "Watch this session?",
        text: `The link shows the screen of ${of(session)}, and cannot control it. It is good once, and ends with the session. Your name stands in the audit log, and its users may see it.`,
        fields: [field("Your name", who)],
        confirm: "Make a link",
        async run() {
            const body = { user: keepName(who), mode: "view-only" };
            const path = `sessions/${encodeURIComponent(session.id)}/shadow`;
            const { url } = await ask("POST", path, { body });
            return link(url, "Open the screen in a new tab");
        },
    });
}

/** Make a field for the operator's name, which this tab remembers. */
export function nameField() {
    const made = make("input", { required: true, maxLength: 128, autocomplete: "name" });
    try {
        made.value = sessionStorage.getItem(WHO) ?? "";
    } catch {
        // storage is blocked
    }
    return made;
}

/** Return the name in a field, and remember it. */
export function keepName(made) {
    const name = made.value.trim();
    try {
        sessionStorage.setItem(WHO, name);
    } catch {
        // storage is blocked
    }
    return name;
}

/** Make a link to a page of the gateway; one with another scheme is none. */
export function link(url, label) {
    if (!/^https?:\/\//i.test(url)) {
        throw new Error("The API made a link that is none.");
    }
    const made = make("a", { href: url, target: "_blank", rel: "noopener noreferrer", className: "link-button" }, label);
    made.addEventListener("click", () => setTimeout(() => document.getElementById("dialog").close()));
    return made;
}
