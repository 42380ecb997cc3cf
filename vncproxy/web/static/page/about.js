/** What is known of the session: its id for the administrator, its limits, and how the connection is. */

import { copyText, element, onClick } from "./dom.js";
import { inBytes, inDigits } from "./sizes.js";
import { t, tn } from "../texts/texts.js";
import { Meter, roundTrip } from "../picture/meter.js";

/** Milliseconds between two looks while the panel is open. */
const PERIOD = 1_000;

const CLIPBOARD = {
    "none": t("No text passes"),
    "to-guest": t("To the machine only"),
    "from-guest": t("From the machine only"),
    "both": t("In both directions"),
};
const SHARING = {
    "shared": t("Others may be here, too"),
    "exclusive": t("Nobody else may be here"),
    "take-over": t("The latest viewer has it alone"),
    "one-driver": t("One drives, others watch"),
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
        element("session-id").textContent = t("Session {id}", { id });
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
        element("copied-session").textContent = done ? t("Copied.") : t("Copy it by hand.");
    }

    async #look() {
        const { rate, frames, encoding } = this.#meter.look();
        fill("about-rate", t("{size}/s", { size: inBytes(rate) }));
        fill("about-frames", frames ? t("{count} per second", { count: inDigits(frames) }) : t("Nothing changes"));
        fill("about-encoding", encoding);
        fill("about-left", this.#left());
        fill("about-people", element("people").hidden ? "" : element("people-count").textContent);
        fill("about-round-trip", t("{count} ms", { count: Math.round(await roundTrip(this.#connection)) }));
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
            fill("about-mode", about.mode === "view-only" ? t("Watch only") : t("Keyboard and mouse"));
            fill("about-clipboard", about.mode === "view-only" ? CLIPBOARD.none : clipboard(about));
            fill("about-sharing", SHARING[about.sharing]);
            fill("about-recorded", about.recorded ? t("This session is recorded") : "");
            fill("about-idle", about.idle_timeout ? t("Closes after {time} without any change", { time: inTime(about.idle_timeout) }) : "");
            fill("about-bandwidth", about.bandwidth ? t("At most {size}/s", { size: inBytes(about.bandwidth) }) : "");
        }
    }
}

/** Set a row's value; a row without one is not shown. */
function fill(id, text) {
    element(id).textContent = text ?? "";
    element(id).parentElement.hidden = !text;
}

function clipboard({ clipboard: direction, clipboard_limit: limit }) {
    return limit === null || direction === "none"
        ? CLIPBOARD[direction]
        : t("{direction}, up to {size}", { direction: CLIPBOARD[direction], size: inBytes(limit) });
}

function inTime(seconds) {
    if (seconds < 90) {
        return tn("{count} second", "{count} seconds", Math.round(seconds));
    }
    const minutes = Math.round(seconds / 60);
    return minutes < 90
        ? tn("{count} minute", "{count} minutes", minutes)
        : t("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}
