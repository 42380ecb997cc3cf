/**
 * Entry of the player page.
 *
 * The rest is imported dynamically, so that a file that fails to load is reported to the user.
 */

document.body.dataset.script = "runs";

const texts = import("../texts/catalogue.js").catch(() => null);

try {
    const page = await import("./page.js"); // waits for the texts, which are loaded beside it
    page.open();
} catch (error) {
    const { catalogue, loaded } = (await texts) ?? {};
    await loaded;
    const t = (text) => catalogue?.texts[text] ?? text;
    document.body.dataset.state = "failed";
    document.querySelector("#headline").textContent = t("This page did not load completely");
    document.querySelector("#reason").textContent =
        t("Reload it. If that does not help, tell your administrator that the player is not installed correctly.");
    throw error;
}
