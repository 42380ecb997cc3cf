/** The dashboard: asks for a key, shows what it may see, and keeps that up to date. */

import { ask, whenRefused } from "./api.js";
import { attachDialog, closeDialog } from "./dialog.js";
import { Events } from "./events.js";
import { forgetKey, keepKey, readKey } from "./key.js";
import { setText, visible } from "./make.js";
import { Proxies } from "./proxies.js";
import { Recordings } from "./recordings.js";
import { Refusals } from "./refusals.js";
import { Rights } from "./rights.js";
import { Sessions } from "./sessions.js";
import { showView } from "./tabs.js";
import { Tokens } from "./tokens.js";

const byId = (id) => document.getElementById(id);

/** Show what is wrong, or nothing. */
function showProblem(problem) {
    byId("problem").hidden = !problem;
    setText(byId("problem"), problem ? visible(problem.message) : "");
}

function showState(state, words) {
    document.body.dataset.state = state;
    setText(byId("state"), words);
}

/** Ask for a key. */
function askForKey(words = "") {
    showState("login", "");
    byId("blocked").hidden = true;
    byId("login").hidden = byId("login-form").hidden = false;
    setText(byId("key-problem"), words);
    byId("key").focus();
}

/** Begin with the key that is there. */
async function enter() {
    try {
        const self = await ask("GET", "self");
        byId("login").hidden = true;
        setText(byId("key-name"), `Key ${visible(self.name)}`);
        byId("account").hidden = byId("tabs").hidden = false;
        begin(new Rights(self));
    } catch (problem) {
        if (problem.status !== 401) {
            askForKey(visible(problem.message));
        }
    }
}

function begin(rights) {
    const views = viewsOf(rights);
    const current = () => showView(Object.keys(views), views);
    addEventListener("hashchange", current);
    current();
    if (rights.may("read")) {
        follow(views);
    } else {
        showState("connected", "");
    }
}

/** Return the views that a key may see, by name. */
function viewsOf(rights) {
    const views = {};
    if (rights.may("read")) {
        views.sessions = new Sessions(rights, showProblem);
        views.proxies = new Proxies(rights);
        views.refusals = new Refusals(rights);
    }
    if (rights.may("issue", "read")) {
        views.tokens = new Tokens(rights);
    }
    if (rights.may("review")) {
        views.recordings = new Recordings(showProblem);
    }
    return views;
}

function follow({ sessions, proxies, refusals }) {
    let missed = false;
    const refresh = () => {
        // a page that is not seen asks for nothing
        missed = document.hidden || byId("sessions").hidden;
        if (!missed) {
            sessions.refresh();
        }
    };
    const take = (body) => [sessions.takeProxies(body), proxies.take(body), refusals.take(body)];
    const events = new Events({ proxies: take, sessions: refresh, problem: showProblem }, (live, why) => {
        showState(live ? "connected" : "connecting", live ? "Live" : "Reconnecting");
        showProblem(why ? { message: why } : null);
    });
    document.addEventListener("visibilitychange", () => document.hidden || !missed || refresh());
    addEventListener("pagehide", () => events.stop());
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    showState("connecting", "Connecting");
    events.start();
}

/** Forget the key and everything that was shown; the reason is shown after it. */
function leave(words) {
    forgetKey();
    try {
        sessionStorage.setItem(LEFT, words);
    } catch {
        // it is shown no more
    }
    closeDialog();
    location.reload();
}

const LEFT = "vncproxy.dashboard.left";

function takeLeft() {
    try {
        const words = sessionStorage.getItem(LEFT) ?? "";
        sessionStorage.removeItem(LEFT);
        return words;
    } catch {
        return "";
    }
}

attachDialog();
whenRefused(({ message }) => leave(readKey() ? message : ""));
byId("forget").addEventListener("click", () => leave(""));
byId("login-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = byId("key").value.trim();
    byId("key").value = "";
    // what cannot be in a header is no key
    if (/^[\x21-\x7e]+$/.test(key)) {
        keepKey(key);
        enter();
    } else {
        askForKey("That is no API key.");
    }
});
if (readKey()) {
    byId("login").hidden = true;
    enter();
} else {
    askForKey(takeLeft());
}
