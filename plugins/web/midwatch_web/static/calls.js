// Copy buttons. What they copy can be selected without this script too.
"use strict";
(() => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    const status = document.getElementById(`${button.dataset.copy}-copied`);
    if (!source || !status) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = source.textContent;
      try {
        await navigator.clipboard.writeText(text);
        status.textContent = "Copied";
      } catch {
        // Not everywhere may a page write there: then the text is selected, for the keyboard to copy.
        getSelection().selectAllChildren(source);
        status.textContent = "Selected";
      }
    });
  }
})();
