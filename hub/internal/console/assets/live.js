// The live parts of a page: the server sends a part anew when it has changed, and it
// takes the place of the one before. Everything else works without this file.
const line = document.querySelector("[data-live]");

function show(part) {
  const old = document.getElementById(part.id);
  if (!old || old.contains(document.activeElement)) {
    return; // whoever reads there with the keyboard is not thrown out
  }
  const fresh = new DOMParser().parseFromString(part.html, "text/html").getElementById(part.id);
  if (fresh) {
    const aside = [...old.querySelectorAll(".wide")].map((wide) => wide.scrollLeft);
    old.replaceWith(document.adoptNode(fresh));
    fresh.querySelectorAll(".wide").forEach((wide, i) => { wide.scrollLeft = aside[i] ?? 0; });
  }
}

if (line) {
  const off = line.textContent;
  const source = new EventSource(line.dataset.live);
  source.addEventListener("open", () => { line.textContent = line.dataset.fresh; line.dataset.state = "on"; });
  source.addEventListener("error", () => { line.textContent = line.dataset.lost; line.dataset.state = "lost"; });
  source.addEventListener("part", (message) => show(JSON.parse(message.data)));
  addEventListener("pagehide", () => { source.close(); line.textContent = off; });
}
