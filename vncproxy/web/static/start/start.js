/** The start page: sets it up, and leads to the console of a link whose token is in the fragment. */

import { readLink } from "../session/link.js";
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

// a fragment is never sent to the server, which therefore cannot tell such a link from none
if (readLink(location.href).token) {
    location.replace(`console${location.search}${location.hash}`);
} else {
    begin().catch((error) => tell(error.message));
}
