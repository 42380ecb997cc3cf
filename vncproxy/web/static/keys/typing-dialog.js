/** The dialog "Paste as typing". */

import { element, onClick } from "../page/dom.js";
import { hide, show } from "../page/notices.js";
import { guest, offerChoice } from "./guest-layout.js";
import { BACKSPACE, UNKNOWN } from "./layouts.js";
import { t, tn } from "../texts/texts.js";
import { duration, lacking, steps, type } from "./typing.js";

const NOTICE = "typed";
/** Characters that a note names. */
const MOST_NAMED = 12;
/** Milliseconds for each event of a key when something is taken back. */
const BACKSPACE_PACE = 20;
/** Milliseconds that are worth to be told before. */
const LONG = 4_000;

export function attach(connection) {
    const dialog = new TypingDialog(connection);
    onClick("open-typing", () => dialog.open());
    element("typing-text").addEventListener("keydown", startOnControlEnter);
    element("typing-secret").addEventListener("keydown", startOnEnter);
    for (const id of ["typing-text", "typing-secret", "typing-speed", "typing-enter"]) {
        element(id).addEventListener("input", () => dialog.review());
    }
    element("typing-hidden").addEventListener("change", () => dialog.chooseField());
    offerChoice(element("typing-layout"));
    guest.addEventListener("change", () => dialog.review());
    onClick("typing-show", () => dialog.showSecret(element("typing-show").ariaPressed !== "true"));
    onClick("typing-cancel", () => dialog.close());
    onClick("typing-start", () => dialog.start());
    element("typing").addEventListener("close", () => dialog.closed());
    connection.addEventListener("change", () => connection.onTheMove || dialog.close());
    for (const event of ["keydown", "pointerdown"]) {
        // what is typed or clicked now changes what Backspace would remove
        element("screen").addEventListener(event, () => hide(NOTICE), { capture: true });
    }
}

function startOnControlEnter(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        startOnEnter(event);
    }
}

function startOnEnter(event) {
    if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        element("typing-start").click();
    }
}

class TypingDialog {
    #connection;
    #isTyping = false;
    #running = new AbortController();

    constructor(connection) {
        this.#connection = connection;
    }

    get #isSecret() {
        return element("typing-hidden").checked;
    }

    get #field() {
        return element(this.#isSecret ? "typing-secret" : "typing-text");
    }

    get #pace() {
        return Number(element("typing-speed").value);
    }

    open() {
        hide(NOTICE);
        this.#running.abort();
        guest.loadAgain();
        this.review();
        element("typing").showModal();
        this.#field.select();
    }

    close() {
        element("typing").close();
    }

    closed() {
        this.#running.abort();
        this.#forget();
        this.#connection.live?.focus({ preventScroll: true });
    }

    /** A password is never kept, and what comes next is shown as usual. */
    #forget() {
        element("typing-secret").value = "";
        element("typing-hidden").checked = false;
        this.chooseField();
    }

    /** Show the field for a text, or the one that hides what is in it. */
    chooseField() {
        const isSecret = this.#isSecret;
        element("typing-text").hidden = isSecret;
        element("typing-secret-row").hidden = !isSecret;
        this.showSecret(false);
        this.review();
        if (element("typing").open) {
            this.#field.focus();
        }
    }

    showSecret(on) {
        element("typing-secret").type = on ? "text" : "password";
        element("typing-show").ariaPressed = String(on);
    }

    /** Say before anything is sent what the layout lacks, and how long it takes. */
    review() {
        const text = this.#field.value;
        const { layout } = guest;
        const odd = layout ? lacking(text, layout) : [];
        const all = layout ? this.#steps() : [];
        const isPartial = layout !== UNKNOWN && odd.length > 0;
        element("typing-start").textContent = isPartial && !this.#isSecret ? t("Type without them") : t("Type it");
        element("typing-start").disabled =
            this.#isTyping || !text || all.length === 0 || (isPartial && this.#isSecret);
        element("typing-note").textContent = guest.isMissing
            ? t("This layout could not be loaded. Choose it again, or another one.")
            : this.#about(odd);
        const time = duration(all, this.#pace);
        element("typing-time").textContent = time < LONG ? "" : t("Takes about {time}.", { time: inTime(time) });
    }

    #about(odd) {
        if (odd.length === 0) {
            return "";
        }
        if (this.#isSecret) {
            return t("This keyboard layout lacks a character of it.");
        }
        const names = odd.slice(0, MOST_NAMED).map(named).join(" ") + (odd.length > MOST_NAMED ? " …" : "");
        return guest.layout === UNKNOWN
            ? t("Not on a US keyboard, and may not arrive: {names}. Choose the machine's keyboard layout.", { names })
            : t("This keyboard layout lacks: {names}", { names });
    }

    #steps() {
        const enter = this.#isSecret && element("typing-enter").checked ? "\n" : "";
        return steps(this.#field.value + enter, guest.layout, guest.isQEMU);
    }

    async start() {
        if (!this.#connection.live || element("typing-start").disabled) {
            return;
        }
        const all = this.#steps();
        const isSecret = this.#isSecret;
        const begun = performance.now();
        let done = 0;
        this.#setTyping(true);
        const isWhole = await this.#type(all, this.#pace, (count) => {
            done = count;
            showProgress(done, all.length, performance.now() - begun);
        });
        this.#setTyping(false);
        if (this.#connection.live && done) {
            this.#offerToTakeBack(all.slice(0, done), isWhole, isSecret);
        }
        if (isWhole) {
            this.close();
        }
    }

    /** What was typed since the last Enter or Tab can be removed, and typed in another way. */
    #offerToTakeBack(typed, isWhole, isSecret) {
        const characters = typed.map((step) => step.typed).filter(Boolean);
        const last = characters.findLastIndex((each) => each === "\n" || each === "\t");
        const count = characters.length - 1 - last;
        const words = isWhole
            ? tn("{count} character typed.", "{count} characters typed.", characters.length)
            : tn("Stopped after {count} character.", "Stopped after {count} characters.", characters.length);
        const text = isSecret || !isWhole ? "" : element("typing-text").value;
        if (isWhole && !isSecret) {
            element("typing-text").value = "";
        }
        const label = last < 0 ? t("Remove them") : tn("Remove the last one", "Remove the last {count}", count);
        const actions = count ? [{ label, run: () => this.#takeBack(count, text) }] : [];
        show(NOTICE, words, actions, t("Wrong characters? Remove them, and choose the machine's keyboard layout."));
    }

    async #takeBack(count, text) {
        hide(NOTICE);
        const all = Array(count).fill({ stroke: BACKSPACE, typed: "" });
        if (await this.#type(all, BACKSPACE_PACE, () => {})) {
            element("typing-text").value ||= text;
            this.open();
            element("typing-layout").focus();
        }
    }

    /** Type until the dialog is closed, or opened anew. */
    async #type(all, pace, progress) {
        this.#running = new AbortController();
        return type(this.#connection, all, { pace, signal: this.#running.signal, progress });
    }

    #setTyping(on) {
        this.#isTyping = on;
        showTyping(on);
        this.review();
    }
}

function showTyping(on) {
    element("typing-running").hidden = !on;
    element("typing-time").hidden = on;
    element("typing-cancel").textContent = on ? t("Stop") : t("Cancel");
    for (const id of ["typing-text", "typing-secret"]) {
        element(id).readOnly = on;
    }
    for (const id of ["typing-speed", "typing-layout", "typing-hidden", "typing-enter"]) {
        element(id).disabled = on;
    }
}

function showProgress(done, all, time) {
    const left = (time / done) * (all - done);
    element("typing-progress").value = done / all;
    element("typing-count").textContent = t("{done} of {all}", { done, all });
    element("typing-left").textContent = left < LONG ? "" : t("{time} left", { time: inTime(left) });
}

/** A character as it is shown in a note; one that cannot be seen by its number. */
function named(character) {
    return /^[\p{C}\p{Z}\p{M}]$/u.test(character)
        ? `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`
        : character;
}

function inTime(milliseconds) {
    const seconds = Math.ceil(milliseconds / 1000);
    return seconds < 90
        ? tn("{count} second", "{count} seconds", seconds)
        : tn("{count} minute", "{count} minutes", Math.round(seconds / 60));
}
