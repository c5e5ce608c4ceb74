// The bar that says there is no connection; it asks again until there is one, then tells the page (`xrm:reachable`).
const bar = (): HTMLElement | null => document.getElementById("offline");

let timer = 0;

export function wireOffline(): void {
  addEventListener("offline", lost);
  addEventListener("online", () => void check());
  document.addEventListener("xrm:unreachable", lost);
  bar()?.querySelector("button")?.addEventListener("click", () => void check());
  if (!navigator.onLine) lost();
}

function lost(): void {
  const shown = bar();
  if (!shown) return;
  shown.hidden = false;
  timer ||= window.setInterval(() => void check(), 5_000);
}

async function check(): Promise<void> {
  const shown = bar();
  if (!shown || shown.hidden) return;
  try {
    const answer = await fetch("/health/live", { cache: "no-store" });
    if (!answer.ok) return;
  } catch {
    return;
  }
  clearInterval(timer);
  timer = 0;
  shown.hidden = true;
  document.dispatchEvent(new Event("xrm:reachable"));
}
