/** Plays a recording: its clock, and what of it is drawn. */

import { Kind } from "./entries.js";
import { Problem } from "./problems.js";
import { SECOND } from "./moments.js";

/** The longest time in milliseconds by which the clock goes on at once; a hidden page's clock stands still. */
const LONGEST_STEP = 1000;
/** Segments that are fetched before they are needed: while it plays, and while it stands still. */
const AHEAD = 3;
const AHEAD_WHEN_STILL = 1;
/** Microseconds before the end of idle time at which playing goes on. */
const LEAD = SECOND / 2;

/**
 * Events: "moment" when another moment is shown; "change" when it begins or ceases to play or to wait; "jump" when
 * what comes does not follow what was; "viewer" with entries of the viewer; "skipped" with microseconds; "problem".
 */
export class Playback extends EventTarget {
    #source;
    #screen;
    #contents;
    #wanted = null;
    #segment = -1;
    #entries = [];
    #next = 0;
    #at = 0;
    #shown = -1;
    #playing = false;
    #waiting = false;
    #working = false;
    #lastStep = 0;
    speed = 1;
    skipsIdle = true;

    /**
     * @param {import("./source.js").Source} source
     * @param {import("./screen.js").Screen} screen
     * @param {object} contents - with `segments`, `idle` and `seconds`
     */
    constructor(source, screen, contents) {
        super();
        this.#source = source;
        this.#screen = screen;
        this.#contents = contents;
    }

    /** Microseconds since the beginning of the recording. */
    get moment() {
        return this.#wanted ?? this.#at;
    }

    /** The moment of which the picture is drawn; -1 before any is. */
    get shown() {
        return this.#shown;
    }

    /** Of the whole recording, in microseconds. */
    get length() {
        return Math.round(this.#contents.seconds * SECOND);
    }

    get playing() {
        return this.#playing;
    }

    /** Whether a picture was asked for and is not shown yet. */
    get waiting() {
        return this.#waiting;
    }

    /** When the first picture is there. */
    get begins() {
        return this.#contents.segments[0].at;
    }

    play() {
        if (this.moment >= this.length) {
            this.seek(0);
        }
        this.#setPlaying(true);
    }

    pause() {
        this.#setPlaying(false);
    }

    /** Show another moment; the last one that was asked for, where they come faster than they can be shown. */
    seek(moment) {
        this.#wanted = Math.max(0, Math.min(this.length, Math.round(moment)));
        this.dispatchEvent(new Event("moment"));
        this.#work();
    }

    /** Draw nothing from now on; what is drawn next begins with a key frame. */
    leave() {
        this.#setPlaying(false);
        this.#wanted = null;
        this.#segment = -1;
    }

    #setPlaying(playing) {
        if (playing !== this.#playing) {
            this.#playing = playing;
            this.#lastStep = performance.now();
            this.dispatchEvent(new Event("change"));
            this.#work();
        }
    }

    #setWaiting(waiting) {
        if (waiting !== this.#waiting) {
            this.#waiting = waiting;
            this.dispatchEvent(new Event("change"));
        }
    }

    async #work() {
        if (this.#working) {
            return;
        }
        this.#working = true;
        try {
            while (this.#wanted !== null || this.#playing) {
                await (this.#wanted === null ? this.#step() : this.#seekWanted());
            }
        } catch (problem) {
            this.#fail(problem);
        } finally {
            this.#working = false;
            this.#setWaiting(false);
        }
        if (this.#wanted !== null || this.#playing) {
            this.#work();
        }
    }

    async #seekWanted() {
        const moment = this.#wanted;
        await this.#show(moment);
        if (this.#wanted === moment) {
            this.#wanted = null;
        }
        this.#lastStep = performance.now();
    }

    /** Go on by the time that has passed. */
    async #step() {
        const now = await new Promise(requestAnimationFrame);
        if (!this.#playing || this.#wanted !== null) {
            return;
        }
        const passed = Math.max(0, Math.min(LONGEST_STEP, now - this.#lastStep));
        this.#lastStep = now;
        const target = this.#behindIdle(this.#at + Math.round(passed * 1000 * this.speed));
        await this.#show(Math.min(target, this.length));
        if (this.#at >= this.length && this.#wanted === null) {
            this.pause();
        }
    }

    /** The moment, or where something happens again. */
    #behindIdle(moment) {
        const idle = this.skipsIdle && this.#contents.idle.find(([from, to]) => from <= moment && moment < to - 2 * LEAD);
        if (!idle) {
            return moment;
        }
        const target = idle[1] >= this.length ? this.length : idle[1] - LEAD;
        this.dispatchEvent(new CustomEvent("skipped", { detail: target - moment }));
        return target;
    }

    /** Draw what is to be seen at a moment, by as little as possible. */
    async #show(moment) {
        const number = this.#numberAt(moment);
        const goesOn = this.#segment >= 0 && moment >= this.#at && number <= this.#segment + 1;
        if (number < 0) {
            this.#segment = -1;
            this.dispatchEvent(new Event("jump"));
        } else if (!goesOn) {
            await this.#jump(number, moment);
        } else {
            await this.#goOn(number, moment);
        }
        this.#at = this.#shown = moment;
        this.dispatchEvent(new Event("moment"));
    }

    async #jump(number, moment) {
        const entries = await this.#load(number);
        this.dispatchEvent(new Event("jump"));
        this.#segment = -1; // until it is drawn
        this.#entries = entries;
        this.#next = 1;
        await this.#draw([entries[0].data, ...this.#messagesUntil(moment)]);
        this.#segment = number;
    }

    async #goOn(number, moment) {
        const messages = this.#messagesUntil(moment);
        if (number > this.#segment) {
            messages.push(...this.#messagesUntil(Infinity));
            this.#entries = await this.#load(number);
            this.#segment = number;
            this.#next = this.#firstNew(number);
            messages.push(...this.#messagesUntil(moment));
        }
        if (messages.length) {
            await this.#draw(messages);
        }
    }

    async #draw(messages) {
        try {
            await this.#screen.draw(messages);
        } catch (problem) {
            this.#segment = -1;
            throw problem;
        }
    }

    /** Take what the server sent until a moment; what the viewer sent is told. */
    #messagesUntil(moment) {
        const messages = [];
        const ofViewer = [];
        for (; this.#next < this.#entries.length && this.#entries[this.#next].at <= moment; this.#next++) {
            const entry = this.#entries[this.#next];
            (entry.kind === Kind.SERVER ? messages : ofViewer).push(entry.kind === Kind.SERVER ? entry.data : entry);
        }
        if (ofViewer.length) {
            this.dispatchEvent(new CustomEvent("viewer", { detail: ofViewer }));
        }
        return messages;
    }

    /** The first entry of the present segment that did not happen before: its key frame did, and what the viewer did last. */
    #firstNew(number) {
        const { at } = this.#contents.segments[number];
        const found = this.#entries.findIndex(({ kind, at: moment }) => kind === Kind.SERVER || moment > at);
        return found < 0 ? this.#entries.length : found;
    }

    async #load(number) {
        if (!this.#source.has(number)) {
            this.#setWaiting(true);
        }
        const entries = await this.#source.segment(number);
        this.#setWaiting(false);
        if (entries[0]?.kind !== Kind.KEY_FRAME) {
            throw new Problem("recording-unplayable");
        }
        this.#fetchAhead(number);
        return entries;
    }

    #fetchAhead(number) {
        const ahead = this.#playing ? AHEAD : AHEAD_WHEN_STILL;
        const last = Math.min(number + ahead, this.#contents.segments.length - 1);
        for (let next = number + 1; next <= last; next++) {
            this.#source.segment(next).catch(() => {}); // who needs it asks again
        }
    }

    /** The segment in which a moment lies; -1 before the first. */
    #numberAt(moment) {
        const { segments } = this.#contents;
        let [low, high] = [0, segments.length];
        while (low < high) {
            const middle = (low + high) >> 1;
            [low, high] = segments[middle].at <= moment ? [middle + 1, high] : [low, middle];
        }
        return low - 1;
    }

    /** What cannot be drawn is passed over, where there is something behind it. */
    #fail(problem) {
        const next = this.#contents.segments[this.#numberAt(this.moment) + 1];
        this.#wanted = null;
        if (problem.code === "cannot-draw" && this.#playing && next) {
            this.#wanted = next.at;
        } else {
            this.#playing = false;
            this.dispatchEvent(new Event("change"));
        }
        this.dispatchEvent(new CustomEvent("problem", { detail: problem }));
    }
}
