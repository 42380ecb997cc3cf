/**
 * Entry of the console page.
 *
 * The rest is imported dynamically, so that a file that fails to load is reported to the user.
 */

/** Loads of the page before the failure is reported: a change of network interrupts downloads. */
const MOST_LOADS = 3;
const LOADS_STORED_AS = "vncproxy.loads";
const LOAD_AGAIN_AFTER = 500;

document.body.dataset.script = "runs";

const texts = import("./texts/catalogue.js").catch(() => null);
let page;
try {
    page = await import("./page/page.js"); // waits for the texts, which are loaded beside it
    forgetLoads();
    page.open();
} catch (error) {
    if (page || !loadAgain()) {
        await showFailure();
    }
    throw error;
}

async function showFailure() {
    const t = (text) => catalogue?.texts[text] ?? text;
    const { catalogue, loaded } = (await texts) ?? {};
    await loaded;
    document.body.dataset.state = "ended";
    document.querySelector("#headline").textContent = t("This page did not load completely");
    document.querySelector("#reason").textContent =
        t("Reload it. If that does not help, tell your administrator that the console page is not installed correctly.");
}

/** Reload the page; safe, since the link is not redeemed before all files are loaded. */
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
        return false; // without storage, loads could not be counted
    }
}

function forgetLoads() {
    try {
        sessionStorage.removeItem(LOADS_STORED_AS);
    } catch {
        // without storage, nothing was stored
    }
}
