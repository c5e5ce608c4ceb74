// Keyboard shortcuts of every page; never active while something is being typed.
import { typing } from "./core.ts";
import { open } from "./menus.ts";

let waiting = 0;

export function wireKeys(): void {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return open("palette");
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (arrows(event) || document.body.dataset.shortcuts === "off") return;
    const key = event.key.toLowerCase();
    if (waiting) {
      clearTimeout(waiting);
      waiting = 0;
      const target = document.querySelector<HTMLAnchorElement>(`a[data-go="${CSS.escape(key)}"]`);
      if (target) {
        event.preventDefault();
        target.click();
      }
      return;
    }
    const action = ACTIONS[event.key === "?" ? "?" : key];
    if (action?.()) event.preventDefault();
  });
}

const ACTIONS: Record<string, () => boolean> = {
  g: () => { waiting = window.setTimeout(() => { waiting = 0; }, 1200); return true; },
  c: () => go(document.body.dataset.create),
  e: () => press("e"),
  f: () => press("f"),
  "/": () => press("/"),
  "?": () => { open("help"); return true; },
  j: () => step(1),
  k: () => step(-1),
  "[": () => {
    const root = document.documentElement;
    root.dataset.nav = root.dataset.nav === "narrow" ? "" : "narrow";
    return true;
  },
};

function go(url: string | undefined): boolean {
  if (url) location.assign(url);
  return !!url;
}

function press(key: string): boolean {
  const target = document.querySelector<HTMLElement>(`[data-key="${key}"]`);
  if (target instanceof HTMLInputElement) target.select();
  if (target?.matches("input")) target.focus();
  else target?.click();
  return !!target;
}

function stops(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#list-rows .row > .td:first-child a.t, .board .card > .title, .hits .hit .name")];
}

function step(by: number): boolean {
  const all = stops();
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return !!next;
}

function arrows(event: KeyboardEvent): boolean {
  const inside = (event.target as Element).closest?.("#list-rows, .hits");
  if (!inside || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return false;
  event.preventDefault();
  return step(event.key === "ArrowDown" ? 1 : -1);
}
