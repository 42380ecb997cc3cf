/**
 * Entry of the console page.
 *
 * The page proper is imported dynamically, so that a file that does not arrive is told to the user
 * instead of leaving the page silent.
 */

/** How often the page is loaded before the user is told: a change of network breaks files off. */
const MOST_LOADS = 3;
const LOADS_STORED_AS = "vncproxy.loads";
const LOAD_AGAIN_AFTER = 500;

document.body.dataset.script = "runs";

let page;
try {
    page = await import("./page.js");
    forgetLoads();
    page.open();
} catch (error) {
    if (page || !loadAgain()) {
        tell();
    }
    throw error;
}

function tell() {
    document.body.dataset.state = "ended";
    document.querySelector("#headline").textContent = "This page did not load completely";
    document.querySelector("#reason").textContent =
        "Reload it. If that does not help, tell your administrator that the console page is not installed correctly.";
}

/** Nothing is lost by it: the link is not used before all files are there. */
function loadAgain() {
    try {
        const loads = 1 + Number(sessionStorage.getItem(LOADS_STORED_AS));
        if (loads >= MOST_LOADS) {
            forgetLoads();
            return false;
        }
        sessionStorage.setItem(LOADS_STORED_AS, loads);
        setTimeout(() => location.reload(), LOAD_AGAIN_AFTER * loads);
        return true;
    } catch {
        return false; // the browser keeps nothing for this page, so nothing would end the loading
    }
}

function forgetLoads() {
    try {
        sessionStorage.removeItem(LOADS_STORED_AS);
    } catch {
        // it has kept nothing
    }
}
