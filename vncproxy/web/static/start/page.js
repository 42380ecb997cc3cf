/** Sets the start page up: who is logged in, and what to show. */

import { showEntrance } from "./entrance.js";
import { showMachines } from "./machines.js";
import { problemIn } from "./problems.js";
import { readState } from "./requests.js";
import { waitingConsole } from "./return.js";

const byId = (id) => document.getElementById(id);

function tell(text) {
    byId("problem").textContent = text;
    byId("problem").hidden = !text;
}

/** Show the page; called once. */
export async function open() {
    try {
        await begin();
    } catch (error) {
        tell(error.message);
    }
}

async function begin() {
    const href = location.href;
    history.replaceState(null, "", location.pathname);
    tell(problemIn(href));
    const state = await readState();
    if (!state) {
        return; // neither a login nor keys are configured
    }
    if (!state.user) {
        showEntrance(state, tell);
        return;
    }
    const next = waitingConsole();
    if (next) {
        location.replace(next);
        return;
    }
    showMachines(state.user, tell);
}
