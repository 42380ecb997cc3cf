/** The dialog "Paste as typing". */

import { element, onClick } from "../page/dom.js";
import { notOnUSKeyboard, strokes, type } from "./typing.js";

export function attach(connection) {
    const dialog = element("typing");
    let running = new AbortController();
    onClick("open-typing", () => {
        showNote();
        dialog.showModal();
        element("typing-text").select();
    });
    element("typing-text").addEventListener("input", showNote);
    element("typing-text").addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.ctrlKey) {
            event.preventDefault();
            element("typing-start").click();
        }
    });
    onClick("typing-cancel", () => dialog.close());
    onClick("typing-start", () => {
        running = new AbortController();
        typeAll(connection, running.signal);
    });
    dialog.addEventListener("close", () => {
        running.abort();
        connection.live?.focus({ preventScroll: true });
    });
    connection.addEventListener("change", () => connection.onTheMove || dialog.close());
}

async function typeAll(connection, signal) {
    const text = element("typing-text").value;
    if (!connection.live || !text) {
        return;
    }
    setRunning(true);
    const pause = Number(element("typing-speed").value);
    const done = await type(connection, text, { pause, signal, progress: showProgress });
    setRunning(false);
    if (done) {
        element("typing-text").value = "";
        element("typing").close();
    }
}

function setRunning(on) {
    element("typing-running").hidden = !on;
    element("typing-start").disabled = on;
    element("typing-text").readOnly = on;
    element("typing-speed").disabled = on;
}

function showProgress(done, all) {
    element("typing-progress").value = done / all;
    element("typing-count").textContent = `${done} of ${all}`;
}

function showNote() {
    const text = element("typing-text").value;
    const odd = notOnUSKeyboard(text);
    element("typing-start").disabled = strokes(text).length === 0;
    element("typing-note").textContent = odd.length
        ? `Not on a US keyboard, and may not arrive: ${odd.slice(0, 12).join(" ")}`
        : "";
}
