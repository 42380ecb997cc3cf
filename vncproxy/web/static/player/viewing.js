/** What is watched now: a recording that is played, or a session that is followed. */

import { Live } from "./live.js";
import { Playback } from "./playback.js";
import { SECOND } from "./moments.js";

/**
 * Events: "change" when another thing is watched, or it plays, pauses or waits; "moment"; "jump"; "viewer" with entries
 * of the viewer; "skipped" with microseconds; "nothing" with the moment of which nothing is recorded; "problem".
 */
export class Viewing extends EventTarget {
    #source;
    #screen;
    #playback = null;
    #speed = 1;
    #skips = true;
    contents = null;

    constructor(source, screen) {
        super();
        this.#source = source;
        this.#screen = screen;
        this.live = new Live(source, screen);
        this.#pass(this.live, ["moment", "jump", "viewer", "problem"]);
        this.live.addEventListener("state", () => this.dispatchEvent(new Event("change")));
    }

    /** Watch a recording, or what a session that is not over does now. */
    open(contents) {
        this.contents = contents;
        this.#source.forget();
        this.#playback = null;
        if (contents.segments.length) {
            this.#playback = new Playback(this.#source, this.#screen, contents);
            this.#playback.speed = this.#speed;
            this.#playback.skipsIdle = this.#skips;
            this.#pass(this.#playback, ["change", "moment", "jump", "viewer", "skipped", "problem"]);
        }
        this.dispatchEvent(new Event("change"));
    }

    get isLive() {
        return this.#playback === null || this.live.running;
    }

    get moment() {
        return this.isLive ? this.live.moment : this.#playback.moment;
    }

    /** The moment whose picture is drawn; `moment` may be one that was asked for. */
    get shown() {
        return this.isLive ? this.live.moment : this.#playback.shown;
    }

    get length() {
        return this.#playback?.length ?? this.live.moment;
    }

    get begins() {
        return this.#playback?.begins ?? 0;
    }

    get playing() {
        return this.isLive ? this.live.running : this.#playback.playing;
    }

    get waiting() {
        return this.isLive ? ["connecting", "reading", "waiting"].includes(this.live.state) : this.#playback.waiting;
    }

    get speed() {
        return this.#speed;
    }

    toggle() {
        if (this.#playback === null) {
            this.follow(!this.live.running);
        } else if (this.#playback.playing) {
            this.#playback.pause();
        } else {
            this.#playback.play();
        }
    }

    /** Follow the session, or stand still at what it did last. */
    follow(on) {
        if (on) {
            this.live.start();
        } else {
            this.live.stop("paused");
        }
    }

    /** Show a moment, the nearest that there is. */
    seek(moment) {
        this.#playback?.seek(moment);
    }

    /** Show a moment that was asked for by its number, and say where there is none. */
    seekTyped(moment) {
        this.seek(moment);
        if (this.#playback && moment > this.length) {
            this.dispatchEvent(new CustomEvent("nothing", { detail: moment }));
        }
    }

    setSpeed(speed) {
        this.#speed = speed;
        if (this.#playback) {
            this.#playback.speed = speed;
        }
        this.dispatchEvent(new Event("change"));
    }

    setSkipping(skips) {
        this.#skips = skips;
        if (this.#playback) {
            this.#playback.skipsIdle = skips;
        }
    }

    /** @returns {Date} what the clock on the wall showed at the moment */
    get clock() {
        return new Date(this.contents.started_at * 1000 + this.moment / (SECOND / 1000));
    }

    #pass(from, names) {
        for (const name of names) {
            from.addEventListener(name, ({ detail }) => {
                if (from === this.live || from === this.#playback) {
                    this.dispatchEvent(new CustomEvent(name, { detail }));
                }
            });
        }
    }
}
