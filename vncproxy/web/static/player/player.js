/**
 * Entry of the player page.
 *
 * The rest is imported dynamically, so that a file that fails to load is reported to the user.
 */

document.body.dataset.script = "runs";

try {
    const page = await import("./page.js");
    page.open();
} catch (error) {
    document.body.dataset.state = "failed";
    document.querySelector("#headline").textContent = "This page did not load completely";
    document.querySelector("#reason").textContent =
        "Reload it. If that does not help, tell your administrator that the player is not installed correctly.";
    throw error;
}
