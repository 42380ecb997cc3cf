/** Opens the console and keeps it open: runs the states of `lifecycle.js` on noVNC. */

import { PicturesRFB } from "../clipboard/pictures-rfb.js";
import { BY_USER, MOVING, explain } from "./close-reasons.js";
import { Channel, RequestFailed } from "./channel.js";
import { begin, end, next, onTheMove } from "./lifecycle.js";
import { diagnose } from "./diagnosis.js";
import { t } from "../texts/texts.js";
import { arrived, confirmed, isConfirmed, starting, taking } from "./link.js";

/** The gateway's text message that asks the page to move. */
const MOVE = "vncproxy:move";
/** The one that says that the user may see the machine, and not control it; it precedes the screen. */
const VIEW_ONLY = "vncproxy:view-only";
/** The beginning of the one that sends it to another gateway, whose address comes behind it. */
const FOLLOW = "vncproxy:follow ";
/** Milliseconds within which the screen must be shown; the server's own limits are shorter. */
const CONNECT_TIME = 60_000;
/** Milliseconds to wait for the close frame after noVNC has disconnected. */
const CLOSE_TIME = 3_000;

/**
 * One console. Dispatches "change" when `state` changes; "screen" when `rfb` is a new object
 * that has received nothing yet, so that listeners can be added to it; "viewonly" when the gateway
 * says that the user may not control the machine; and "leaving" when the console is about to move to
 * another gateway, while its picture is still there. "told" has as its `detail` a message of the
 * gateway, an object whose `event` names it. "known" when `machine` has changed, "about" when `about` has. "elsewhere" has the `detail`
 * `{ url, isConfirmed }` of the gateway that shows the console now.
 */
export class Connection extends EventTarget {
    #screen;
    #url;
    #asksToStart = false;
    #attempt = null;
    #expectsOff = false;
    #timer = null;
    #takes = false;
    /** What the gateway calls the machine, "" before it was asked: the same in all sessions of it. */
    machine = "";
    /** What the gateway says of the session; null before it was asked, and for older gateways. */
    about = null;
    /** Bytes of the console that were received, in all. */
    received = 0;

    /**
     * @param {HTMLElement} screen - element that the guest's screen fills
     * @param {string} url - of the web socket
     */
    constructor(screen, url) {
        super();
        this.#screen = screen;
        this.#url = url;
        this.state = begin();
    }

    /** noVNC's object while there is a connection, else null. */
    get rfb() {
        return this.#attempt?.rfb ?? null;
    }

    /** noVNC's object while the guest's screen is shown, else null. */
    get live() {
        return this.state.name === "connected" ? this.rfb : null;
    }

    /** Whether the console is on its way to another gateway, or has come by that way. */
    get onTheMove() {
        return onTheMove(this.state);
    }

    /** Whether the web socket is open, with or without a screen. */
    get isOpen() {
        return this.#attempt?.isOpen ?? false;
    }

    /** Whether keys would be lost now that may be sent in a moment. */
    get interrupted() {
        return this.state.name === "connected" ? this.#attempt?.isOpen !== true : this.onTheMove;
    }

    open() {
        this.#enter(begin());
    }

    /** End without opening a connection. */
    refuse(closeReason) {
        this.#enter(end(closeReason));
    }

    retry() {
        if (this.state.closeReason?.reconnect === "afterConfirmation") {
            this.#url = confirmed(this.#url);
        } else if (this.state.closeReason?.reconnect === "takeBack") {
            this.#takes = true;
        }
        this.#step({ type: "retry" });
    }

    /** Whether this attempt starts the machine first. */
    get starts() {
        return this.#asksToStart && this.state.name === "connecting";
    }

    /** Start the machine, which is off, and open its console. This attempt alone does that. */
    start() {
        this.#asksToStart = true;
        this.#step({ type: "retry" });
    }

    /** Know what was asked of the machine: one that is off on purpose is not waited for. */
    expectPower(action) {
        this.#expectsOff = action === "off" || action === "shutdown";
    }

    /** Ask the gateway for something, as `Channel.ask` does. */
    async ask(what, members, time) {
        if (!this.#attempt) {
            throw new RequestFailed("unanswered", t("There is no connection to the gateway now."));
        }
        return this.#attempt.channel.ask(what, members, time);
    }

    /**
     * Call a function with each message of the gateway of one kind.
     * @param {string} event - the kind
     * @param {(message: object) => unknown} receive
     */
    onTold(event, receive) {
        this.addEventListener("told", ({ detail }) => detail.event === event && receive(detail));
    }

    /** Take what the gateway says of the session; dispatches "known" for a machine that is new. */
    know(about) {
        const { machine } = about;
        this.about = about;
        this.dispatchEvent(new Event("about"));
        if (machine && machine !== this.machine) {
            this.machine = machine;
            this.dispatchEvent(new Event("known"));
        }
    }

    /** Stop reconnecting. */
    stop() {
        this.#step({ type: "stop" });
    }

    disconnect() {
        if (this.#attempt) {
            this.#attempt.close(BY_USER);
        } else if (this.state.name === "moving") {
            this.refuse(BY_USER);
        }
    }

    #step(event) {
        const state = next(this.state, { now: performance.now(), random: Math.random(), ...event });
        if (state !== this.state) {
            this.#enter(state);
        }
    }

    #enter(state) {
        this.state = state;
        clearTimeout(this.#timer);
        if (state.name === "connecting") {
            this.#start();
        } else if (state.name === "waiting" || state.name === "moving") {
            this.#timer = setTimeout(() => this.retry(), state.until - performance.now());
        }
        this.dispatchEvent(new Event("change"));
    }

    #start() {
        const wanted = this.#takes ? taking(this.#url) : this.#url;
        const url = this.#asksToStart ? starting(wanted) : wanted;
        this.#takes = false; // what the page does by itself takes the console from nobody
        this.#attempt = new Attempt(this.#screen, url, {
            connected: () => {
                this.#url = arrived(this.#url);
                this.#asksToStart = this.#expectsOff = false;
                this.#step({ type: "connected" });
            },
            leaving: () => this.dispatchEvent(new Event("leaving")),
            viewOnly: () => this.dispatchEvent(new Event("viewonly")),
            told: (detail) => this.dispatchEvent(new CustomEvent("told", { detail })),
            received: (bytes) => {
                this.received += bytes;
            },
            elsewhere: (url) => {
                this.stop();
                const detail = { url, isConfirmed: isConfirmed(this.#url) };
                this.dispatchEvent(new CustomEvent("elsewhere", { detail }));
            },
            closed: (closeReason) => {
                this.#attempt = null;
                this.#asksToStart = false;
                this.#step({ type: "closed", closeReason, expectsOff: this.#expectsOff });
            },
        });
        this.dispatchEvent(new Event("screen"));
    }
}

/** One web socket and the noVNC object over it; calls `closed` exactly once. */
class Attempt {
    #closed;
    #asked = false;
    #connected = false;
    #closeReason = null;
    #elsewhere;
    #received;
    #url = "";
    #refusal = "";
    #toldInRFB = "";
    #socket;
    #timer;
    #viewOnly;

    constructor(screen, url, { connected, leaving, viewOnly, told, received, elsewhere, closed }) {
        this.#closed = closed;
        this.#received = received;
        this.#viewOnly = viewOnly;
        this.#elsewhere = elsewhere;
        const socket = (this.#socket = new WebSocket(url, ["binary"]));
        socket.binaryType = "arraybuffer";
        this.channel = new Channel(socket, (event) => {
            this.#limitTime(event);
            told(event);
        });
        // noVNC's own listeners, which know no text and remove the picture, are added after these
        socket.addEventListener("message", (event) => this.#onText(event));
        socket.addEventListener("close", (event) => {
            const code = this.#asked ? MOVING : event.code;
            if (this.#connected && code === MOVING) {
                leaving();
            }
            this.#finish(code, event.reason);
        });
        this.rfb = new PicturesRFB(screen, socket);
        this.#startTimer();
        this.#listen(() => {
            clearTimeout(this.#timer);
            this.#connected = true;
            connected();
        });
    }

    #startTimer() {
        this.#timer = setTimeout(() => {
            this.#refuse(t("The console did not open in time. Reconnect in a moment."));
        }, CONNECT_TIME);
    }

    /** Consent and approval have a time limit of the gateway; the page's begins after them. */
    #limitTime({ event, given }) {
        if (event === "consent") {
            clearTimeout(this.#timer);
            given && this.#startTimer();
        }
    }

    /** Whether what is sent now can still arrive. */
    get isOpen() {
        return this.#socket.readyState === WebSocket.OPEN;
    }

    /** Close for a reason that the page gives, not the server. */
    close(closeReason) {
        this.#closeReason = closeReason;
        this.rfb.disconnect();
    }

    #listen(connected) {
        this.rfb.addEventListener("connect", connected);
        this.rfb.addEventListener("securityfailure", ({ detail }) => {
            this.#toldInRFB = detail.reason ?? ""; // whole, where the close frame has 123 bytes
        });
        this.rfb.addEventListener("credentialsrequired", () => {
            this.#refuse(t("The console asks for a password, which the gateway should have answered. Tell your administrator."));
        });
        this.rfb.addEventListener("disconnect", ({ detail }) => {
            if (this.#connected && !detail.clean) {
                this.#refusal = t("The page could not understand what the virtual machine's screen sent.");
            }
            clearTimeout(this.#timer);
            this.#timer = setTimeout(() => this.#finish(1006, ""), CLOSE_TIME);
        });
    }

    /** What was sent before goes first; what is typed from now on waits for the next connection. */
    #onText(event) {
        if (typeof event.data === "string") {
            event.stopImmediatePropagation();
            if (event.data === MOVE) {
                this.#asked = true;
                this.#socket.close(MOVING);
            } else if (event.data === VIEW_ONLY) {
                this.#viewOnly();
            } else if (event.data.startsWith(FOLLOW)) {
                this.#url = event.data.slice(FOLLOW.length);
            } else {
                this.channel.receive(event.data);
            }
        } else {
            this.#received(event.data.byteLength);
        }
    }

    #refuse(sentence) {
        this.#refusal = sentence;
        this.rfb.disconnect();
    }

    async #finish(code, reason) {
        if (this.#closed === null) {
            return;
        }
        clearTimeout(this.#timer);
        const facts = { code, reason: this.#toldInRFB || reason || this.#refusal, connected: this.#connected };
        const closed = this.#closed;
        this.#closed = null;
        closed(this.#closeReason ?? explain({ ...facts, ...(await diagnose(facts)) }));
        if (this.#url && !this.#closeReason) {
            this.#elsewhere(this.#url);
        }
    }
}
