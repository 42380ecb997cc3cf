/**
 * Entry of the console page.
 *
 * The page proper is imported dynamically, so that a file missing on the server is told to the
 * user instead of leaving the page silent.
 */

try {
    const { open } = await import("./page.js");
    open();
} catch (error) {
    document.body.dataset.state = "ended";
    document.querySelector("#headline").textContent = "This page did not load completely";
    document.querySelector("#reason").textContent =
        "Reload it. If that does not help, tell your administrator that the console page is not installed correctly.";
    throw error;
}
