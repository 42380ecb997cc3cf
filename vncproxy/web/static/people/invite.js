/** The dialog that makes a link for a guest of this session. */

import { copyField, element, onClick } from "../page/dom.js";
import { t, tn } from "../texts/texts.js";

/** What the gateway calls the right to use keyboard and mouse. */
const CONTROL = "control";

export function attach(connection) {
    const dialog = element("invite");
    // the gateway says it again where it is still so
    connection.addEventListener("screen", () => offer(null));
    connection.addEventListener("told", ({ detail }) => {
        if (detail.event === "invitations") {
            offer(detail.most);
        }
    });
    connection.addEventListener("change", () => connection.onTheMove || dialog.close());
    onClick("open-invite", () => {
        element("people-menu").hidePopover();
        begin();
        dialog.showModal();
    });
    for (const id of ["invite-cancel", "invite-close"]) {
        onClick(id, () => dialog.close());
    }
    element("invite-form").addEventListener("submit", (event) => {
        event.preventDefault();
        make(connection);
    });
    onClick("invite-copy", async () => {
        const copied = await copyField(element("invite-link"));
        element("invite-copied").textContent = copied ? t("Copied.") : t("Copy it from the field above.");
    });
    dialog.addEventListener("close", () => {
        element("invite-link").value = "";
        connection.live?.focus({ preventScroll: true });
    });
}

/** Show what the user may let guests do; null for nothing. */
function offer(most) {
    element("open-invite").hidden = most === null;
    element("invite-modes").hidden = most !== CONTROL;
    element("people").toggleAttribute("data-invites", most !== null);
    if (most !== CONTROL) {
        document.querySelector("[name=invite-mode]").checked = true;
    }
}

function begin() {
    show(false);
    element("invite-name").value = "";
    element("invite-note").textContent = "";
}

function show(made) {
    element("invite-form").hidden = made;
    element("invite-made").hidden = !made;
}

async function make(connection) {
    const name = element("invite-name").value.trim();
    const mode = document.querySelector("[name=invite-mode]:checked").value;
    if (!name || !connection.live) {
        return;
    }
    element("invite-make").disabled = true;
    try {
        const { url, seconds } = await connection.ask("invite", { name, mode });
        element("invite-link").value = url;
        element("invite-told").textContent = told(name, mode, seconds);
        element("invite-copied").textContent = "";
        show(true);
        element("invite-copy").focus();
    } catch ({ message }) {
        element("invite-note").textContent = message;
    } finally {
        element("invite-make").disabled = false;
    }
}

function told(name, mode, seconds) {
    const minutes = Math.max(1, Math.floor(seconds / 60));
    return mode === CONTROL
        ? tn(
            "With this link, {name} can see and control this machine. It can be opened once, within a minute.",
            "With this link, {name} can see and control this machine. It can be opened once, within {count} minutes.",
            minutes, { name },
        )
        : tn(
            "With this link, {name} can watch this screen. It can be opened once, within a minute.",
            "With this link, {name} can watch this screen. It can be opened once, within {count} minutes.",
            minutes, { name },
        );
}
