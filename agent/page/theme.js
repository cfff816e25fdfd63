// Light or dark: the system's wish, until somebody chooses otherwise.

const KEPT = "duchenne-theme";

/** @returns {string | null} */
function remembered() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage may be forbidden; the choice then lasts as long as the page
  }
}

/** @param {HTMLButtonElement} button */
export function theme(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = remembered();
  const show = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    if (chosen) document.documentElement.dataset.theme = chosen;
    button.setAttribute("aria-pressed", `${dark}`);
  };
  button.addEventListener("click", () => {
    chosen = (chosen ? chosen === "dark" : system.matches) ? "light" : "dark";
    try {
      localStorage.setItem(KEPT, chosen);
    } catch {
      // as above
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}
