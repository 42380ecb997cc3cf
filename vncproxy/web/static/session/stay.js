/** Keeps the page open while its user works: against Ctrl+W and the like, and against a screen that sleeps. */

export function attach(connection) {
    addEventListener("beforeunload", (event) => {
        // browsers ask only users who have used the page
        if (connection.live && !isWatching()) {
            event.preventDefault();
        }
    });
    const lock = new Awake(connection);
    connection.addEventListener("change", () => lock.update());
    document.addEventListener("visibilitychange", () => lock.update());
    for (const type of ["viewonly", "told"]) {
        connection.addEventListener(type, () => setTimeout(() => lock.update())); // once the page shows it
    }
}

const isWatching = () => document.body.hasAttribute("data-view-only");

/** Keeps the screen of the user's computer on while they control a machine, where the browser can. */
class Awake {
    #connection;
    #lock = null;

    constructor(connection) {
        this.#connection = connection;
    }

    async update() {
        const wanted = this.#connection.live !== null && !isWatching() && !document.hidden;
        if (!wanted) {
            this.#lock?.release();
            this.#lock = null;
        } else if (this.#lock === null || this.#lock.released) {
            try {
                this.#lock = await navigator.wakeLock?.request("screen") ?? null;
            } catch {
                this.#lock = null; // a battery that is low, or a policy, forbids it
            }
        }
    }
}
