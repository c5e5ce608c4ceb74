// Keyboard shortcuts of every page; never active while something is being typed; single keys can be changed or turned off.
import { doAgain, takeBack, typing } from "./core.ts";
import { toggleFavourite } from "./favourites.ts";
import { open, warm } from "./menus.ts";

let waiting = 0;
let chosen: Record<string, string> = {};

export function wireKeys(): void {
  chosen = JSON.parse(document.body.dataset.keys ?? "{}") as Record<string, string>;
  if (Object.keys(chosen).length) addEventListener("keydown", translate, true);
  hints();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Control" || event.key === "Meta") return warm();
    if (combination(event)) return;
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
    if (event.shiftKey && key !== "?" && key.length === 1 && /[a-z]/.test(key)) return;
    const action = ACTIONS[key === "?" ? "?" : key];
    if (action?.()) event.preventDefault();
  });
}

/** Keys that were given to other actions: what is pressed is told to the page as the key it stands for. */
function translate(event: KeyboardEvent): void {
  const key = event.key.toLowerCase();
  const stands = chosen[key];
  if (stands === undefined || !event.isTrusted || waiting || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]") || document.body.dataset.shortcuts === "off") return;
  event.stopImmediatePropagation();
  if (!stands) return;
  event.preventDefault();
  event.target?.dispatchEvent(new KeyboardEvent("keydown", { key: stands, shiftKey: event.shiftKey, bubbles: true, cancelable: true }));
}

/** Combinations with Ctrl or Alt: they work even where single keys are off. */
function combination(event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase();
  const command = (event.ctrlKey || event.metaKey) && !event.altKey;
  if (command && key === "k" && !event.shiftKey) open("palette");
  else if (command && key === "z" && !event.defaultPrevented && !typing(event.target)) void (event.shiftKey ? doAgain() : takeBack());
  else if (event.altKey && !event.ctrlKey && !event.metaKey && key === "f") void toggleFavourite();
  else return false;
  event.preventDefault();
  return true;
}

const ACTIONS: Record<string, () => boolean> = {
  g: () => { waiting = window.setTimeout(() => { waiting = 0; }, 1200); return true; },
  c: () => create(document.body.dataset.create),
  b: () => notices(),
  "?": () => { open("help"); return true; },
  j: () => step(1),
  k: () => step(-1),
  "[": () => fold(),
};
for (const key of ["e", "f", "/", "n", "l", "a"]) ACTIONS[key] = () => press(key);
// In the drawer the stages are a choice instead of buttons: their keys are the same.
for (const key of "123456789") ACTIONS[key] = () => stage(key);

const BY_ID: Record<string, () => unknown> = {
  create: () => create(document.body.dataset.create),
  undo: () => takeBack(),
  redo: () => doAgain(),
  notices,
  nav: fold,
  help: () => open("help"),
  find: () => press("/"),
  filter: () => press("f"),
  note: () => press("n"),
  call: () => press("l"),
  assign: () => press("a"),
};

/** Do what a shortcut does, by its name. */
export function runAction(id: string): void {
  BY_ID[id]?.();
}

/** Buttons say their key: in their title and to assistive software. */
function hints(): void {
  const back = Object.fromEntries(Object.entries(chosen).filter(([, stands]) => stands).map(([key, stands]) => [stands, key]));
  for (const element of document.querySelectorAll<HTMLElement>("[data-key]:not([aria-keyshortcuts])")) {
    const key = element.dataset.key ?? "";
    const own = back[key] ?? (chosen[key] === "" ? "" : key);
    if (!own || document.body.dataset.shortcuts === "off") continue;
    element.setAttribute("aria-keyshortcuts", own.toUpperCase());
    if (!(element instanceof HTMLInputElement)) element.title = `${element.title || element.textContent?.trim() || ""} (${own.toUpperCase()})`;
  }
}

function create(url: string | undefined): boolean {
  if (url && document.dispatchEvent(new CustomEvent("xrm:create", { detail: { url }, cancelable: true }))) location.assign(url);
  return !!url;
}

function notices(): boolean {
  const bell = [...document.querySelectorAll<HTMLElement>("a.bell")].find((one) => one.checkVisibility());
  bell?.click();
  return !!bell;
}

function fold(): boolean {
  const root = document.documentElement;
  const narrow = root.dataset.nav !== "narrow";
  root.dataset.nav = narrow ? "narrow" : "";
  document.cookie = `xrm_nav=${narrow ? "narrow" : "wide"}; path=/; max-age=31536000; samesite=lax`;
  return true;
}

function press(key: string): boolean {
  const target = [...document.querySelectorAll<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)].find((one) => one.checkVisibility());
  if (target instanceof HTMLInputElement) target.select();
  if (target?.matches("input, textarea")) target.focus();
  else target?.click();
  return !!target;
}

function stage(key: string): boolean {
  const record = [...document.querySelectorAll<HTMLElement>("aside.drawer xrm-record, main xrm-record")].find((one) => one.checkVisibility({ contentVisibilityAuto: false }) || one.querySelector("h1, h2")?.checkVisibility());
  const button = record?.querySelector<HTMLElement>(`.stages [data-key="${key}"]`);
  button?.click();
  return !!button;
}

function stops(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#list-rows .row > .td:first-child a.t, .board .card > .title, .hits .hit .name, xrm-today .task .name, .notice-item a")].filter((one) => one.checkVisibility());
}

function step(by: number): boolean {
  const all = stops();
  const inside = document.activeElement?.closest(".task, .row, .hit, .card");
  const at = all.findIndex((one) => one === document.activeElement || (!!inside && inside.contains(one)));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return !!next;
}

function arrows(event: KeyboardEvent): boolean {
  const inside = (event.target as Element).closest?.("#list-rows, .hits, xrm-today");
  if (!inside || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return false;
  event.preventDefault();
  return step(event.key === "ArrowDown" ? 1 : -1);
}
