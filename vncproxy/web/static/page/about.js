/** What is known of the session: its id for the administrator, its limits, and how the connection is. */

import { copyText, element, onClick } from "./dom.js";
import { inBytes } from "./sizes.js";
import { Meter, roundTrip } from "../picture/meter.js";

/** Milliseconds between two looks while the panel is open. */
const PERIOD = 1_000;

const CLIPBOARD = {
    "none": "No text passes",
    "to-guest": "To the machine only",
    "from-guest": "From the machine only",
    "both": "In both directions",
};
const SHARING = {
    "shared": "Others may be here, too",
    "exclusive": "Nobody else may be here",
    "take-over": "The latest viewer has it alone",
    "one-driver": "One drives, others watch",
};

export function attach(connection) {
    const panel = new Panel(connection);
    connection.addEventListener("screen", () => panel.begin());
    connection.addEventListener("change", () => panel.changed());
    connection.onTold("mode", () => panel.ask());
    connection.onTold("recording", () => panel.ask());
    element("about-menu").addEventListener("toggle", ({ newState }) => panel.toggle(newState === "open"));
    onClick("copy-session", () => panel.copy());
}

class Panel {
    #about = null;
    #asked = 0;
    #connection;
    #meter = null;
    #timer = null;

    constructor(connection) {
        this.#connection = connection;
    }

    begin() {
        this.#meter = new Meter(this.#connection);
        this.#connection.rfb.addEventListener("connect", () => this.ask());
    }

    /** Show the id of a session that has ended, unless its reason has it. */
    changed() {
        const { name } = this.#connection.state;
        const id = this.#about?.session ?? "";
        const isOver = name === "ended" || name === "waiting";
        element("session-id").hidden = !isOver || !id || element("reason").textContent.includes(id);
        element("session-id").textContent = `Session ${id}`;
        if (name === "connecting" && !this.#connection.state.interruption) {
            this.#about = null;
        }
    }

    async ask() {
        try {
            this.#about = await this.#connection.ask("about");
        } catch {
            return; // a gateway before this one, or the connection is gone
        }
        this.#asked = performance.now();
        this.#connection.know(this.#about);
        this.#show();
    }

    toggle(isOpen) {
        clearInterval(this.#timer);
        if (isOpen) {
            element("copied-session").textContent = "";
            this.#timer = setInterval(() => this.#look(), PERIOD);
            this.#look();
            this.#show();
        }
    }

    async copy() {
        const done = await copyText(this.#about?.session ?? "");
        element("copied-session").textContent = done ? "Copied." : "Copy it by hand.";
    }

    async #look() {
        const { rate, frames, encoding } = this.#meter.look();
        fill("about-rate", `${inBytes(rate)}/s`);
        fill("about-frames", frames ? `${frames.toFixed(frames < 10 ? 1 : 0)} per second` : "Nothing changes");
        fill("about-encoding", encoding);
        fill("about-left", this.#left());
        fill("about-people", element("people").hidden ? "" : element("people-count").textContent);
        fill("about-round-trip", `${Math.round(await roundTrip(this.#connection))} ms`);
    }

    #left() {
        const { left } = this.#about ?? {};
        return left === undefined || left === null
            ? ""
            : inTime(Math.max(0, left - (performance.now() - this.#asked) / 1000));
    }

    #show() {
        const about = this.#about;
        fill("about-session", about?.session);
        if (about) {
            fill("about-mode", about.mode === "view-only" ? "Watch only" : "Keyboard and mouse");
            fill("about-clipboard", about.mode === "view-only" ? CLIPBOARD.none : clipboard(about));
            fill("about-sharing", SHARING[about.sharing]);
            fill("about-recorded", about.recorded ? "This session is recorded" : "");
            fill("about-idle", about.idle_timeout ? `Closes after ${inTime(about.idle_timeout)} without any change` : "");
            fill("about-bandwidth", about.bandwidth ? `At most ${inBytes(about.bandwidth)}/s` : "");
        }
    }
}

/** Set a row's value; a row without one is not shown. */
function fill(id, text) {
    element(id).textContent = text ?? "";
    element(id).parentElement.hidden = !text;
}

function clipboard({ clipboard: direction, clipboard_limit: limit }) {
    const most = limit === null || direction === "none" ? "" : `, up to ${inBytes(limit)}`;
    return `${CLIPBOARD[direction]}${most}`;
}

function inTime(seconds) {
    if (seconds < 90) {
        return `${Math.round(seconds)} seconds`;
    }
    const minutes = Math.round(seconds / 60);
    return minutes < 90 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
