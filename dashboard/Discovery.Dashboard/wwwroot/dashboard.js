// What the circuit cannot do: the clipboard, a key, and coming back when the dashboard does.
(() => {
  "use strict";
  const retryMs = 3000;

  document.addEventListener("click", async event => {
    const button = event.target.closest("[data-copy]");
    if (!button) {
      return;
    }

    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1200);
  });

  document.addEventListener("keydown", event => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const filter = document.querySelector("[data-filter]");
      if (filter) {
        event.preventDefault();
        filter.focus();
      }
    }
  });

  // The framework gives up after a while ("failed") or is told that its circuit is gone ("rejected"): a fresh page
  // is the way back, once there is somebody to serve it.
  const circuit = document.getElementById("components-reconnect-modal");
  let waiting = false;
  const comeBack = async () => {
    try {
      if ((await fetch("/healthz", { cache: "no-store" })).ok) {
        location.reload();
        return;
      }
    } catch {
      // Still away.
    }

    setTimeout(comeBack, retryMs);
  };
  new MutationObserver(() => {
    const lost = /components-reconnect-(failed|rejected)/.test(circuit.className);
    if (lost && !waiting) {
      waiting = true;
      comeBack();
    }
  }).observe(circuit, { attributes: true, attributeFilter: ["class"] });
})();
