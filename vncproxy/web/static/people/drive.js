/** The control of a machine that one has at a time: asks for it, hands it over, gives it up. */

import * as notices from "../page/notices.js";
import { element, onClick } from "../page/dom.js";
import { t } from "../texts/texts.js";

/** Milliseconds for which a notice without a choice is shown. */
const NOTICE_TIME = 8_000;
const NOTICE = "drive";
/** Begins the ids of notices about others who ask. */
const ASKED = "drive-asked:";

const LABELS = { you: t("Give up the control"), other: t("Ask for the control"), none: t("Take the control") };

export function attach(connection) {
    const drive = new Drive(connection);
    connection.addEventListener("screen", () => drive.forget());
    connection.addEventListener("told", ({ detail }) => drive.receive(detail));
    connection.addEventListener("change", () => connection.live || connection.onTheMove || drive.forget());
    onClick("drive", () => drive.press());
}

class Drive {
    #asking = null;
    #connection;
    #timer = null;
    #who = null;
    #others = new Map();

    constructor(connection) {
        this.#connection = connection;
    }

    /** A new connection is told anew. */
    forget() {
        this.#stopAsking();
        this.#who = null;
        element("drive").hidden = true;
        for (const to of [...this.#others.keys()]) {
            this.#withdraw(to);
        }
    }

    receive(detail) {
        switch (detail.event) {
            case "driver":
                this.#set(detail.who, detail.may);
                break;
            case "drive-asked":
                this.#beAsked(detail);
                break;
            case "drive-refused":
                this.#stopAsking();
                this.#notify(t("The control was not handed over."));
        }
    }

    async press() {
        element("people-menu").hidePopover();
        try {
            if (this.#who === "you") {
                await this.#connection.ask("hand-over", { to: "" });
            } else {
                await this.#ask();
            }
        } catch ({ message }) {
            this.#notify(message);
        }
        this.#connection.live?.focus({ preventScroll: true });
    }

    async #ask() {
        const { drives, seconds } = await this.#connection.ask("drive");
        if (!drives) {
            this.#notify(t("You have asked for the control. Wait for an answer."), seconds * 1000);
            this.#asking = setTimeout(() => {
                this.#stopAsking();
                this.#notify(t("There was no answer. Ask again if you still need the control."));
            }, seconds * 1000);
        }
    }

    #set(who, may) {
        const before = this.#who;
        this.#who = who;
        element("drive").hidden = !may;
        element("drive").textContent = LABELS[who];
        if (who === "you" && before !== null && before !== "you") {
            this.#stopAsking();
            this.#notify(t("You have the control now."));
        }
        if (who !== "you") {
            for (const to of [...this.#others.keys()]) {
                this.#withdraw(to);
            }
        }
        if (who === "none" && may && before !== null && before !== "none") {
            this.#notify(t("Nobody has the control."), NOTICE_TIME, [
                { label: LABELS.none, run: () => this.press(), primary: true },
            ]);
        }
    }

    #beAsked({ to, name, seconds }) {
        const text = name ? t("{name} asks for the control.", { name }) : t("Somebody else asks for the control.");
        const until = performance.now() + seconds * 1000;
        const show = () => {
            const left = Math.ceil((until - performance.now()) / 1000);
            if (left <= 0) {
                this.#withdraw(to);
                return;
            }
            notices.show(ASKED + to, text, [
                { label: t("Hand it over"), run: () => this.#answer(to, true), primary: true },
                { label: t("No"), run: () => this.#answer(to, false) },
            ], t("{count} s", { count: left }));
        };
        this.#withdraw(to);
        this.#others.set(to, setInterval(show, 1000));
        show();
    }

    async #answer(to, agrees) {
        this.#withdraw(to);
        try {
            await this.#connection.ask("hand-over", { to, agrees });
        } catch ({ message }) {
            this.#notify(message);
        }
    }

    #withdraw(to) {
        clearInterval(this.#others.get(to));
        this.#others.delete(to);
        notices.hide(ASKED + to);
    }

    #stopAsking() {
        clearTimeout(this.#asking);
        this.#asking = null;
        notices.hide(NOTICE);
    }

    #notify(text, milliseconds = NOTICE_TIME, actions = []) {
        notices.show(NOTICE, text, actions);
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => notices.hide(NOTICE), milliseconds);
    }
}
