/** The proxies: how each is, how much it has to do, and how to empty one. */

import { ask } from "./api.js";
import { openDialog } from "./dialog.js";
import { button, foreign, make, say, setText, visible } from "./make.js";
import { lateWords } from "./said.js";
import { Table, actions } from "./table.js";
import { age, count } from "./words.js";

/** The view of proxies. */
export class Proxies {
    #table;
    #warnings = document.getElementById("proxy-warnings");

    /** @param {import("./rights.js").Rights} rights */
    constructor(rights) {
        const parent = document.getElementById("proxy-table");
        const mayDrain = rights.may("admin") && rights.everything;
        this.#table = new Table(parent, "Proxies", columns(mayDrain), ({ id }) => id, "No proxy is known.");
        setText(document.getElementById("proxy-rights"), words(rights));
    }

    /** Show what the API says of all of them. */
    take({ proxies, warnings }) {
        this.#table.show(proxies);
        const messages = warnings.map(({ message }) => visible(message));
        if (messages.join("\n") !== this.#warnings.dataset.shown) {
            this.#warnings.dataset.shown = messages.join("\n");
            this.#warnings.replaceChildren(...messages.map((text) => make("li", {}, text)));
        }
    }
}

function words(rights) {
    if (!rights.everything) {
        return "This key is limited to some machines: it neither sees the load of proxies nor drains them.";
    }
    return rights.missing([["admin", "drain proxies"]]);
}

function columns(mayDrain) {
    const found = [
        { label: "Name", fill: showName },
        { label: "State", fill: showState },
        { label: "Sessions", fill: showLoad },
        { label: "Version", fill: (cell, { version }) => setText(cell, visible(version)) },
        { label: "Processes", fill: showWorkers },
        { label: "Running for", fill: showAge },
    ];
    const drains = actions("Actions", (item) => [button("Drain…", () => drain(item()))], update);
    return mayDrain ? [...found, drains] : found;
}

function update([drains], { name, draining }) {
    drains.disabled = draining;
    drains.ariaLabel = `Drain ${visible(name)}`;
}

function showName(cell, { name, zone }) {
    const shown = `${name}\n${zone}`;
    if (cell.shown !== shown) {
        cell.shown = shown;
        cell.replaceChildren(foreign(name), ...(zone ? [make("small", {}, "zone ", foreign(zone))] : []));
    }
}

function showState(cell, { draining }) {
    cell.classList.toggle("busy", draining);
    setText(cell, draining ? "Draining: takes no new sessions" : "Serving");
}

function showLoad(cell, { sessions, limits }) {
    if (sessions === undefined) {
        setText(cell, "–");
        return;
    }
    const most = limits.sessions;
    cell.meter ??= make("meter", { min: 0 });
    cell.words ??= make("span");
    Object.assign(cell.meter, { max: most, high: 0.9 * most, value: sessions });
    cell.meter.ariaLabel = "Sessions";
    setText(cell.words, `${sessions.toLocaleString()} of ${most.toLocaleString()}`);
    if (!cell.contains(cell.meter)) {
        cell.replaceChildren(cell.words, cell.meter);
    }
}

function showWorkers(cell, { workers }) {
    const draining = workers?.filter((each) => each.draining).length ?? 0;
    setText(cell, workers ? `${workers.length}${draining ? `, ${draining} draining` : ""}` : "–");
}

function showAge(cell, { workers }) {
    const oldest = workers?.map(({ started_at }) => started_at).sort()[0];
    setText(cell, oldest ? age(oldest) : "–");
}

function drain({ id, name, sessions = 0 }) {
    openDialog({
        title: `Drain ${visible(name)}?`,
        text: `It takes no new sessions until it is started again. Browsers move to other proxies, where there are any under the same address; the rest of its ${count(sessions, "session")} ends with proxy.drain_timeout.`,
        confirm: "Drain",
        danger: true,
        async run() {
            const answer = await ask("POST", `proxies/${encodeURIComponent(id)}/drain`);
            say(`${visible(name)} drains.`);
            return lateWords(answer);
        },
    });
}
