/** The menu that starts, stops and resets the machine, with what the gateway allows; it asks first. */

import * as notices from "../page/notices.js";
import { element, onClick } from "../page/dom.js";
import { t } from "../texts/texts.js";

/** Milliseconds that the hypervisor may take. */
const ANSWER_TIME = 90_000;

/**
 * action -> the label of its button, what the user is asked, what is lost, and what was done
 * @type {Object<string, {label: string, ask: (machine: string) => string, loss: string, done: (machine: string) => string}>}
 */
const ACTIONS = {
    shutdown: {
        label: t("Shut down"),
        ask: (machine) => t("Shut down {machine}?", { machine }),
        loss: t("The machine is asked to shut down, as by a short press of its power button. Save your work first."),
        done: (machine) => t("{machine} was asked to shut down. This may take a while; a machine that does not react can be switched off.", { machine }),
    },
    reboot: {
        label: t("Reboot"),
        ask: (machine) => t("Reboot {machine}?", { machine }),
        loss: t("The machine is asked to reboot. Save your work first."),
        done: (machine) => t("{machine} was asked to reboot. This may take a while; a machine that does not react can be reset.", { machine }),
    },
    reset: {
        label: t("Reset"),
        ask: (machine) => t("Reset {machine}?", { machine }),
        loss: t("The machine restarts at once, as by its reset button. What is not saved is lost, and files may be damaged."),
        done: (machine) => t("{machine} was reset.", { machine }),
        isHard: true,
    },
    off: {
        label: t("Switch off"),
        ask: (machine) => t("Switch off {machine}?", { machine }),
        loss: t("The machine loses its power at once. What is not saved is lost, and files may be damaged."),
        done: (machine) => t("{machine} was switched off.", { machine }),
        isHard: true,
    },
};

export function attach(connection) {
    const power = new Power(connection);
    connection.onTold("power", (message) => power.offer(message));
    connection.addEventListener("screen", () => power.forget());
    connection.addEventListener("change", () => power.show());
    onClick("power-cancel", () => element("power-dialog").close());
    onClick("power-do", () => power.act());
    element("power-dialog").addEventListener("close", () => {
        connection.live?.focus({ preventScroll: true });
    });
}

class Power {
    #actions = [];
    #asked = "";
    #connection;
    #machine = "";

    constructor(connection) {
        this.#connection = connection;
    }

    /** Each connection has what the gateway says before its screen. */
    forget() {
        this.#actions = [];
    }

    offer({ actions, machine }) {
        this.#machine = machine;
        this.#actions = actions.filter((action) => action in ACTIONS);
    }

    show() {
        if (this.#connection.state.name !== "connected") {
            element("power-dialog").close();
            element("power-menu").hidePopover();
            notices.hide("power");
            return;
        }
        element("power").hidden = this.#actions.length === 0;
        element("power-actions").replaceChildren(...this.#actions.map((action) => this.#button(action)));
    }

    /** Do what the user has agreed to, once. */
    async act() {
        const [action, machine] = [this.#asked, this.#machine];
        element("power-dialog").close();
        if (!action) {
            return;
        }
        this.#asked = "";
        this.#connection.expectPower(action);
        try {
            await this.#connection.ask("power", { action }, ANSWER_TIME);
            notices.show("power", ACTIONS[action].done(machine));
        } catch (error) {
            this.#failed(action, error);
        }
    }

    /** The console of a machine that is switched off may close before the answer is here. */
    #failed(action, { code, message }) {
        if (code === "unanswered" && action === "off") {
            return;
        }
        this.#connection.expectPower("");
        notices.show("power", message);
    }

    #button(action) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = ACTIONS[action].label;
        button.dataset.power = action;
        button.addEventListener("click", () => this.#confirm(action));
        return button;
    }

    #confirm(action) {
        const { label, ask, loss, isHard } = ACTIONS[action];
        this.#asked = action;
        element("power-menu").hidePopover();
        element("power-title").textContent = ask(this.#machine);
        element("power-loss").textContent = loss;
        element("power-do").textContent = label;
        element("power-do").classList.toggle("danger", isHard === true);
        element("power-dialog").showModal();
        element("power-cancel").focus();
    }
}
