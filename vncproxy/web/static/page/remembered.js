/** Choices of the user that this browser remembers, each for its machine and as the default of others. */

const PREFIX = "vncproxy.";
/** Machines to remember, the latest first. */
const MOST = 100;

/**
 * @param {string} name - of the choice
 * @param {string} [machine] - as the gateway names it; "" for the default
 * @returns {?string} null where nothing is remembered; browsers may forbid a page to store anything
 */
export function recall(name, machine = "") {
    try {
        const own = machine ? machines(name).get(machine) : undefined;
        return own ?? localStorage.getItem(PREFIX + name);
    } catch {
        return null;
    }
}

/** @returns {?string} what was chosen for this machine itself */
export function recallOwn(name, machine) {
    try {
        return machines(name).get(machine) ?? null;
    } catch {
        return null;
    }
}

/** Remember a choice for a machine, and for machines for which none was made. */
export function remember(name, value, machine = "") {
    try {
        localStorage.setItem(PREFIX + name, value);
    } catch {
        // without storage, a choice lasts as long as the page
    }
    if (machine) {
        rememberOwn(name, value, machine);
    }
}

/** Remember a choice for a machine alone. */
export function rememberOwn(name, value, machine) {
    try {
        const all = machines(name);
        all.delete(machine);
        const kept = [[machine, value], ...all].slice(0, MOST);
        localStorage.setItem(`${PREFIX}${name}.machines`, JSON.stringify(kept));
    } catch {
        // the same
    }
}

function machines(name) {
    return new Map(JSON.parse(localStorage.getItem(`${PREFIX}${name}.machines`) ?? "[]"));
}
