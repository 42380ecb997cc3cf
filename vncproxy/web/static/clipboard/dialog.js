/** The guest's clipboard: its dialog, and what is told when a text passes. */

import { copyField, copyText, element, onClick } from "../page/dom.js";
import { inBytes, inCharacters } from "../page/sizes.js";
import { pictureOf } from "./dib.js";
import { forget, tell } from "./offers.js";
import { allowance, refusal } from "./policy.js";
import { Sync } from "./sync.js";
import { t } from "../texts/texts.js";

export function attach(connection) {
    const clipboard = new Clipboard(connection);
    connection.addEventListener("screen", () => {
        connection.rfb.addEventListener("clipboard", ({ detail }) => clipboard.receive(detail.text));
        connection.rfb.addEventListener("clipboardpicture", ({ detail }) => offerPicture(detail));
    });
    connection.addEventListener("about", () => clipboard.follow(connection.about));
    connection.addEventListener("change", () => connection.onTheMove || clipboard.leave());
    onClick("open-clipboard", () => clipboard.open());
    onClick("clipboard-close", () => element("clipboard").close());
    onClick("clipboard-copy", () => clipboard.copyFromField());
    onClick("clipboard-send", () => clipboard.sendField());
    element("clipboard-text").addEventListener("input", () => clipboard.measure());
    element("clipboard").addEventListener("close", () => connection.live?.focus({ preventScroll: true }));
}

class Clipboard {
    #allowed = allowance(null);
    #connection;
    #sync;

    constructor(connection) {
        this.#connection = connection;
        this.#sync = new Sync(connection, (text) => this.#send(text));
        this.#sync.addEventListener("note", ({ detail }) => note(detail));
        this.follow(null);
    }

    /** Show what the policy allows, and only the buttons for it. */
    follow(about) {
        const allowed = (this.#allowed = allowance(about));
        element("clipboard-policy").textContent = allowed.words;
        element("clipboard-hint").hidden = !allowed.toGuest && !allowed.fromGuest;
        element("clipboard-content").hidden = element("clipboard-hint").hidden;
        element("clipboard-text").readOnly = !allowed.toGuest;
        element("clipboard-copy").hidden = !allowed.fromGuest;
        element("clipboard-send").hidden = !allowed.toGuest;
        this.#sync.allow(allowed);
        this.measure();
    }

    open() {
        element("open-clipboard").removeAttribute("data-active");
        forget();
        note("");
        this.measure();
        element("clipboard").showModal();
        element("clipboard-text").select();
    }

    leave() {
        element("clipboard").close();
        if (this.#connection.state.name !== "connected") {
            forget();
        }
    }

    /** Say how much there is in the field, and whether it may be sent. */
    measure() {
        const text = element("clipboard-text").value;
        const refused = this.#allowed.toGuest ? refusal(text, this.#allowed.limit) : "";
        element("clipboard-size").textContent = refused || (text && `${inCharacters(text)}.`);
        element("clipboard-send").disabled = !this.#connection.live || Boolean(refused) || !text;
        element("clipboard-copy").disabled = !text;
    }

    /** Take a text that was copied in the guest. */
    async receive(text) {
        element("clipboard-text").value = text;
        this.measure();
        if (!text) {
            return;
        }
        const copied = await this.#sync.fromGuest(text);
        if (element("clipboard").open) {
            note(copied ? t("Copied {characters} from the machine.", { characters: inCharacters(text) }) : "");
            return;
        }
        element("open-clipboard").toggleAttribute("data-active", !copied);
        copied ? tell(t("Copied {characters} from the machine.", { characters: inCharacters(text) })) : this.#offer(text);
    }

    async copyFromField() {
        const field = element("clipboard-text");
        note((await copyField(field)) ? said(field.value) : t("Copy it from the field above."));
    }

    sendField() {
        const text = element("clipboard-text").value;
        element("clipboard").close();
        this.#sync.sent(text);
        this.#send(text);
    }

    #offer(text) {
        const copy = async () => {
            const copied = await copyText(text);
            element("open-clipboard").toggleAttribute("data-active", !copied);
            copied ? tell(said(text)) : this.open();
        };
        tell(t("The machine copied {characters}.", { characters: inCharacters(text) }), [
            { label: t("Copy"), run: copy, primary: true },
            { label: t("Show"), run: () => this.open() },
        ]);
    }

    #send(text) {
        const refused = refusal(text, this.#allowed.limit);
        if (refused) {
            tell(t("{reason} It was not sent to the machine.", { reason: refused }));
        } else if (this.#connection.live) {
            this.#connection.live.clipboardPasteFrom(text);
            tell(t("Sent {characters} to the machine.", { characters: inCharacters(text) }));
        }
    }
}

/** A picture is not kept: who does not copy it now copies it in the machine again. */
async function offerPicture(provided) {
    try {
        const { blob, width, height } = await pictureOf(provided);
        const size = { width, height, size: inBytes(blob.size) };
        const copy = async () => {
            try {
                await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
                tell(t("Copied a picture of {width} × {height} pixels, {size}.", size));
            } catch {
                tell(t("The browser does not let this page copy pictures."));
            }
        };
        const action = { label: t("Copy"), run: copy, primary: true };
        tell(t("The machine copied a picture of {width} × {height} pixels, {size}.", size), [action]);
    } catch {
        tell(t("The machine copied a picture that this page cannot read."));
    }
}

const said = (text) => t("Copied {characters}.", { characters: inCharacters(text) });

function note(text) {
    element("clipboard-note").textContent = text;
}
