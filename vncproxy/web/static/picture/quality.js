/** The quality of the picture: what the server is asked for, by choice or by how the connection is. */

import { roundTrip } from "./meter.js";
import { recall, remember } from "../page/remembered.js";

const NAME = "picture";
/** Quality of JPEG and level of compression, each 0 to 9, as noVNC's settings. */
const LEVELS = {
    sharp: [9, 2],
    balanced: [6, 2],
    small: [2, 9],
};
const AUTOMATIC = "automatic";
/** The automatic choice, from the least data to the most: quality and compression. */
const STEPS = [[1, 9], [3, 8], [5, 5], [6, 2], [8, 2]];
const FIRST_STEP = 3;
/** Milliseconds between two decisions, and the round trip beside the least one that shows a full line. */
const PERIOD = 3_000;
const FULL = 250;
const FREE = 60;
/** Decisions with a free line in a row before more is asked for. */
const PATIENCE = 4;
/** Bytes in a second below which nothing is decided: the line is not what limits the picture. */
const LEAST_RATE = 40_000;

export function attach(connection, link) {
    const fromLink = link.quality !== null || link.compression !== null;
    const picture = new Picture(connection);
    const choices = document.querySelectorAll("[name=picture]");
    const choose = (mode) => {
        picture.use(mode);
        choices.forEach((choice) => {
            choice.checked = choice.value === mode;
        });
    };
    choose(fromLink ? "" : known(recall(NAME)));
    choices.forEach((choice) => {
        choice.addEventListener("change", () => {
            remember(NAME, choice.value, connection.machine);
            choose(choice.value);
        });
    });
    connection.addEventListener("known", () => fromLink || choose(known(recall(NAME, connection.machine))));
    connection.addEventListener("screen", () => picture.apply());
}

const known = (mode) => (mode in LEVELS ? mode : AUTOMATIC);

class Picture {
    #connection;
    #free = 0;
    #least = Infinity;
    #mode = AUTOMATIC;
    #received = 0;
    #step = FIRST_STEP;

    constructor(connection) {
        this.#connection = connection;
        setInterval(() => this.#decide(), PERIOD);
    }

    /** @param {string} mode - "" for what the link asks for */
    use(mode) {
        this.#mode = mode;
        this.apply();
    }

    apply() {
        const { rfb } = this.#connection;
        const levels = this.#mode === AUTOMATIC ? STEPS[this.#step] : LEVELS[this.#mode];
        if (rfb && levels) {
            [rfb.qualityLevel, rfb.compressionLevel] = levels;
        }
    }

    /** Ask for less where the line is full, and for more once it has been free for some time. */
    async #decide() {
        const { live, received } = this.#connection;
        const rate = (received - this.#received) / (PERIOD / 1000);
        this.#received = received;
        if (this.#mode !== AUTOMATIC || !live || document.hidden || rate < LEAST_RATE) {
            return;
        }
        const time = await roundTrip(this.#connection);
        this.#least = Math.min(this.#least, time);
        const over = time - this.#least;
        this.#free = over < FREE ? this.#free + 1 : 0;
        if (over > FULL && this.#step > 0) {
            this.#step -= 1;
            this.apply();
        } else if (this.#free >= PATIENCE && this.#step < STEPS.length - 1) {
            this.#free = 0;
            this.#step += 1;
            this.apply();
        }
    }
}
