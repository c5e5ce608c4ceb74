// What was looked at last, kept in this browser so that it is there at once; and looking at a record beside the page.
import type { Hit } from "./core.ts";

const RECENT = "xrm:recent";

/** The last records looked at, newest first. */
export function recents(): Hit[] {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]") as Hit[];
  } catch {
    return [];
  }
}

/** Keep a record as the last one looked at; without one, that of the page. */
export function remember(hit?: Hit): void {
  if (!hit) {
    const found = location.pathname.match(/^\/m\/([a-z0-9_]+)\/([0-9a-f-]{36})$/);
    const title = document.querySelector("h1")?.textContent?.trim();
    if (!found || !title) return;
    hit = { module: found[1]!, id: found[2]!, title };
  }
  try {
    localStorage.setItem(RECENT, JSON.stringify([hit, ...recents().filter((other) => other.id !== hit.id)].slice(0, 6)));
  } catch { /* storage is off */ }
}

/** Look at a record beside the page; false when this page has no place for it. */
export function peek(module: string, id: string): boolean {
  return !document.dispatchEvent(new CustomEvent("xrm:peek", { detail: { module, id }, cancelable: true }));
}
