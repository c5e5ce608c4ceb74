// Where one was: a module opens as it was left, on every device.
import { api } from "./core.ts";

const PASSING = ["peek", "tab", "cursor", "more", "at", "after", "rows", "last", "lane"];

/** Remember how the module of this page is looked at, and let the navigation lead back to that. */
export function wireLast(): void {
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.<HTMLAnchorElement>("a.nav-item[href^='/m/'], nav.bottom a[href^='/m/'], #all-menu a[href^='/m/']");
    if (link && !link.search) link.search = "last=1";
  }, true);
  if (document.getElementById("results")) setTimeout(note, 400);
  addEventListener("pagehide", note);
}

function note(): void {
  const module = /^\/m\/([a-z0-9_]+)$/.exec(location.pathname)?.[1];
  if (!module || !document.getElementById("results")) return;
  const search = new URLSearchParams(location.search);
  for (const name of PASSING) search.delete(name);
  const query = String(search);
  const key = `xrm:last:${module}`;
  try {
    if ((sessionStorage.getItem(key) ?? "") === query) return;
    sessionStorage.setItem(key, query);
  } catch { /* storage is off: it is told each time */ }
  void fetchQuietly(module, query);
}

async function fetchQuietly(module: string, query: string): Promise<void> {
  await api("PUT", `/api/v1/me/state/${module}`, { query: query || null }).catch(() => undefined);
}
