/** The machines of a user: their names, states and pictures, each opened by one click. */

import { forgetPictures, pictureWhenSeen } from "./pictures.js";
import { logOut, openMachine, readMachines } from "./requests.js";
import { t } from "../texts/texts.js";

const byId = (id) => document.getElementById(id);

/** More machines than this can be searched. */
const FEW = 8;

/** Show a user the machines. */
export function showMachines(user, tell) {
    document.body.dataset.state = "known";
    byId("account").hidden = false;
    byId("machines").hidden = false;
    byId("user").textContent = user.key ? t("Key {name}", { name: user.name }) : user.name;
    byId("log-out").addEventListener("click", () => run(tell, async () => {
        await logOut();
        location.reload();
    }));
    byId("refresh").addEventListener("click", () => run(tell, () => refresh(tell)));
    byId("search").addEventListener("input", filter);
    return run(tell, () => refresh(tell));
}

/** Do something, and tell why it failed; a user that is not logged in any more begins again. */
async function run(tell, work) {
    tell("");
    try {
        await work();
    } catch (error) {
        if (error.status === 401) {
            location.reload();
        }
        tell(error.message);
    }
}

async function refresh(tell) {
    byId("refresh").disabled = true;
    byId("machines-state").textContent = t("Asking for your machines…");
    try {
        const { vms, more, errors } = await readMachines();
        forgetPictures();
        byId("list").replaceChildren(...vms.sort(byName).map((machine) => card(machine, tell)));
        byId("failures").replaceChildren(...errors.map(failure));
        byId("search-label").hidden = vms.length <= FEW;
        byId("machines-state").textContent = summary(vms.length, more, errors.length);
        filter();
    } catch (error) {
        byId("machines-state").textContent = "";
        throw error;
    } finally {
        byId("refresh").disabled = false;
    }
}

function summary(count, more, failed) {
    if (!count) {
        return failed ? "" : t("No machine is assigned to you. A link that you get opens its machine all the same.");
    }
    return more ? t("{count} machines are shown, {more} more are not.", { count, more }) : "";
}

/** As people count: machine 2 stands before machine 10. */
const byName = (one, other) => one.name.localeCompare(other.name, undefined, { numeric: true });

function card(machine, tell) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "machine";
    button.disabled = !machine.opens;
    button.dataset.vm = machine.vm;
    button.title = machine.name;
    button.append(screen(machine), text("strong", machine.name));
    if (machine.vm !== machine.name) {
        button.append(text("small", machine.vm));
    }
    const state = text("span", machine.state);
    state.className = "condition";
    state.dataset.power = machine.power;
    button.append(state);
    button.addEventListener("click", (event) => {
        if (!button.hasAttribute("aria-busy")) {
            open(button, machine.vm, tell, event.ctrlKey || event.metaKey);
        }
    });
    row.append(button);
    return row;
}

function screen(machine) {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    canvas.width = 320;
    canvas.height = 200;
    canvas.hidden = !machine.picture;
    if (machine.picture && machine.power !== "off") {
        pictureWhenSeen(canvas, machine.vm);
    }
    return canvas;
}

/**
 * Open a machine here, or in a tab of its own, which has to be opened before the gateway answers: later,
 * browsers take it for an advertisement.
 */
async function open(button, vm, tell, inTab) {
    const tab = inTab ? window.open("about:blank") : null;
    button.setAttribute("aria-busy", "true");
    await run(tell, async () => {
        try {
            lead(tab, await openMachine(vm));
        } catch (error) {
            tab?.close();
            throw error;
        }
    });
    button.removeAttribute("aria-busy");
}

function lead(tab, url) {
    if (tab) {
        tab.opener = null;
        tab.location.replace(url);
    } else {
        location.assign(url);
    }
}

function failure({ backend, message }) {
    return text("li", `${backend}: ${message}`);
}

function text(kind, words) {
    const element = document.createElement(kind);
    element.textContent = words;
    return element;
}

function filter() {
    const wanted = byId("search").value.trim().toLowerCase();
    for (const row of byId("list").children) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
}
