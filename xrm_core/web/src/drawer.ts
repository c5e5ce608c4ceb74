// The drawer beside a list: opened by Space, by links in cells and by the address (?peek=module/id); one at a time.
import { h, icon, t, toast, typing } from "./core.ts";
import { part } from "./fragments.ts";

const WIDE = matchMedia("(min-width: 1200px)");
const RECORD = /^\/m\/([a-z][a-z0-9_]*)\/([0-9a-f-]{36})$/;
let host: HTMLElement;
let drawer: HTMLElement | null = null;
let body: HTMLElement;
let opener: Element | null = null;
let openerId = "";
let asked = 0;

export function wireDrawer(): void {
  document.addEventListener("click", click);
  document.addEventListener("keydown", key);
  addEventListener("popstate", follow);
  document.addEventListener("htmx:before:history:restore", (event) => { if (same()) event.preventDefault(); });
  WIDE.addEventListener("change", () => { if (drawer) dock(); });
  document.addEventListener("xrm:create", (event) => {
    event.preventDefault();
    void openCreate((event as CustomEvent<{ url: string }>).detail.url);
  });
  document.addEventListener("xrm:peek", (event) => {
    const { module, id } = (event as CustomEvent<{ module: string; id: string }>).detail;
    event.preventDefault();
    void openDrawer(module, id);
  });
  host = h("xrm-drawer" as "div");
  document.querySelector(".shell")?.append(host);
  follow();
}

/** Show a record beside the page; Enter in the palette, Space on a row and links in cells do this. */
export async function openDrawer(module: string, id: string, push = true): Promise<void> {
  const before = document.activeElement;
  const mine = ++asked;
  try {
    const [content] = await Promise.all([part(`/m/${encodeURIComponent(module)}/${encodeURIComponent(id)}/peek`), import("./elements/record.ts")]);
    if (mine !== asked) return;
    frame(before);
    const page = `/m/${module}/${id}`;
    const link = h("a", { class: "btn sm quiet", href: page, "aria-keyshortcuts": "Control+Enter" }, icon("arrow-up-right"), t("Open page"));
    body.replaceChildren(bar(link), content);
    drawer!.dataset.peek = `${module}/${id}`;
    drawer!.setAttribute("aria-label", body.querySelector(".rec-name [data-live]")?.textContent ?? t("Record"));
    if (push) address(`${module}/${id}`);
    mark(id);
    drawer!.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("xrm:peeked", { detail: { module, id } }));
  } catch (error) {
    toast((error as Error).message, { kind: "bad" });
  }
}

/** Show the short form for a new record in the drawer; `url` is the address of the whole form. */
export async function openCreate(url: string): Promise<void> {
  const before = document.activeElement;
  const { create } = await import("./elements/create.ts");
  if (!await create(url, () => { frame(before); return { drawer: drawer!, body, bar }; })) location.assign(url);
}

/** Close the drawer; the focus goes back to where it was. */
export function closeDrawer(push = true): void {
  if (!drawer) return;
  if (drawer.dispatchEvent(new CustomEvent("xrm:closing", { cancelable: true })) === false) return;
  const back = opener?.isConnected ? opener : document.querySelector(`[data-id="${CSS.escape(openerId)}"] a`);
  drawer.remove();
  drawer = null;
  document.querySelector(".shell")?.removeAttribute("data-docked");
  mark("");
  if (push && new URL(location.href).searchParams.has("peek")) address("");
  if (back instanceof HTMLElement) back.focus({ preventScroll: true });
}

function bar(...extra: Node[]): HTMLElement {
  const close = h("button", { class: "btn sm square quiet", type: "button", "aria-label": t("Close"), title: "Esc" }, icon("x"));
  close.addEventListener("click", () => closeDrawer());
  return h("div", { class: "drawer-bar" }, ...extra, h("span", { class: "grow" }), close);
}

function frame(before: Element | null): void {
  if (!drawer) {
    opener = before && before !== document.body ? before : null;
    openerId = opener?.closest<HTMLElement>("[data-id]")?.dataset.id ?? "";
    body = h("div", { class: "drawer-body" });
    drawer = h("aside", { class: "drawer", tabindex: "-1" }, body);
    host.append(drawer);
  }
  delete drawer.dataset.peek;
  dock();
}

/** Wide windows show it beside the list, others above everything: the top layer needs no z-index. */
function dock(): void {
  const wide = WIDE.matches;
  const shell = document.querySelector<HTMLElement>(".shell");
  if (wide) {
    if (drawer!.matches(":popover-open")) drawer!.hidePopover();
    drawer!.removeAttribute("popover");
    shell?.setAttribute("data-docked", "");
  } else {
    shell?.removeAttribute("data-docked");
    drawer!.setAttribute("popover", "manual");
    if (!drawer!.matches(":popover-open")) drawer!.showPopover();
  }
}

let shownAt = location.pathname + location.search;

function address(peek: string): void {
  const url = new URL(location.href);
  if (peek) url.searchParams.set("peek", peek);
  else url.searchParams.delete("peek");
  const text = url.pathname + url.search.replaceAll("%2F", "/");
  // Only opening is a step that Back takes; walking on inside the drawer is not.
  if (peek && !new URL(location.href).searchParams.has("peek")) history.pushState({ htmx: true }, "", text);
  else history.replaceState({ htmx: true }, "", text);
  shownAt = location.pathname + location.search;
}

/** Whether only the drawer differs between this address and the one that was shown. */
function same(): boolean {
  const bare = (text: string) => {
    const url = new URL(text, location.href);
    url.searchParams.delete("peek");
    return url.pathname + url.search;
  };
  return bare(shownAt) === bare(location.pathname + location.search);
}

/** Make the drawer what the address says. */
function follow(): void {
  const wanted = new URL(location.href).searchParams.get("peek") ?? "";
  const [module, id] = wanted.split("/");
  if (module && id && /^[a-z][a-z0-9_]*$/.test(module) && /^[0-9a-f-]{36}$/.test(id)) {
    if (drawer?.dataset.peek !== wanted) void openDrawer(module, id, false);
  } else if (drawer?.dataset.peek) closeDrawer(false);
  shownAt = location.pathname + location.search;
}

function mark(id: string): void {
  for (const row of document.querySelectorAll("[data-peeked]")) row.removeAttribute("data-peeked");
  if (id) for (const row of document.querySelectorAll(`.page [data-id="${CSS.escape(id)}"]`)) row.setAttribute("data-peeked", "");
}

function click(event: MouseEvent): void {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const target = event.target as Element;
  const asked = target.closest<HTMLElement>("[data-peek]");
  if (asked && asked !== drawer) {
    const [module, id] = (asked.dataset.peek ?? "").split("/");
    if (!module || !id) return;
    event.preventDefault();
    return void openDrawer(module, id);
  }
  const link = target.closest<HTMLAnchorElement>("a[href]");
  if (!link) return;
  const create = link.matches("[data-new], .top .btn.primary[href$='/new']") ? link.getAttribute("href") : null;
  if (create) {
    event.preventDefault();
    return void openCreate(create);
  }
  // Links inside cells, cards and the drawer itself show the record beside; the row's own link opens its page.
  const found = RECORD.exec(link.getAttribute("href") ?? "");
  if (!found || !link.closest(".td, .card .facts, .drawer .rec, .brief") || (link.matches("a.t") && !link.closest(".drawer"))) return;
  event.preventDefault();
  void openDrawer(found[1]!, found[2]!);
}

/** The record of a row or card, and its module. */
function recordAt(element: Element | null): RegExpExecArray | null {
  const row = element?.closest("[data-id]");
  const link = row?.querySelector<HTMLAnchorElement>("a.t, a.title, a.name");
  return link ? RECORD.exec(link.getAttribute("href") ?? "") : null;
}

function key(event: KeyboardEvent): void {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const target = event.target as Element;
  if (event.key === "Escape" && drawer && !document.querySelector("[popover]:popover-open:not(.drawer, xrm-toasts)")) {
    event.preventDefault();
    return closeDrawer();
  }
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.altKey && !event.ctrlKey && !event.metaKey) {
    if (walk(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
    return;
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && drawer?.dataset.peek && !typing(target) && drawer.contains(target)) {
    event.preventDefault();
    location.assign(`/m/${drawer.dataset.peek}`);
  }
  if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || typing(target) || target.closest("button, summary, label, .card, input")) return;
  const found = recordAt(target);
  if (!found) return;
  event.preventDefault();
  if (drawer?.dataset.peek === `${found[1]}/${found[2]}`) closeDrawer();
  else void openDrawer(found[1]!, found[2]!);
}

const WALK = "xrm:walk";
interface Walk { url: string; paths: string[] }

/** The order of the list on this page, for walking through it record by record. */
export function order(): string[] {
  const rows = document.querySelectorAll<HTMLAnchorElement>("#results [data-id] a.t, #results [data-id] a.title, .hits a.name, .today [data-id] a");
  return [...new Set([...rows].map((link) => link.getAttribute("href") ?? "").filter((path) => RECORD.test(path)))];
}

/** Keep the order of this list for the record page that comes next. */
export function keepOrder(): void {
  const paths = order();
  if (!paths.length) return;
  try {
    sessionStorage.setItem(WALK, JSON.stringify({ url: location.pathname + location.search, paths }));
  } catch { /* storage is off */ }
}

/** The list that somebody came from, and where this record stands in it. */
export function walked(): { walk: Walk; at: number } | null {
  try {
    const walk = JSON.parse(sessionStorage.getItem(WALK) ?? "null") as Walk | null;
    const at = walk?.paths.indexOf(location.pathname) ?? -1;
    return walk && at >= 0 ? { walk, at } : null;
  } catch {
    return null;
  }
}

/** To the previous or next record of the list; in the drawer or as a page. */
export function walk(by: number): boolean {
  if (drawer?.dataset.peek) {
    const paths = order();
    const next = paths[paths.indexOf(`/m/${drawer.dataset.peek}`) + by];
    const found = next ? RECORD.exec(next) : null;
    if (found) void openDrawer(found[1]!, found[2]!);
    return !!found;
  }
  const found = walked();
  const next = found?.walk.paths[found.at + by];
  if (next) location.assign(next);
  return !!next;
}

addEventListener("pagehide", keepOrder);
