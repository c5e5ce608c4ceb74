// What every element needs: texts, requests with the CSRF token, messages, small DOM helpers.

// A script of its own, kept by the browser, sets them before this one runs.
const texts = (globalThis as { xrmTexts?: Record<string, string> }).xrmTexts ?? {};

/** The text in the reader's language; `{name}` is filled in. */
export function t(text: string, values: Record<string, string | number> = {}): string {
  return (texts[text] ?? text).replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

export const csrf = (): string => document.querySelector<HTMLMetaElement>("meta[name=csrf-token]")?.content ?? "";

export interface Problem { code: string; path: string; message: string; hint?: string }

/** An answer that is not a success; `problems` say what is wrong and where. */
export class ApiError extends Error {
  readonly status: number;
  readonly problems: Problem[];
  constructor(status: number, message: string, problems: Problem[] = []) {
    super(message);
    this.status = status;
    this.problems = problems;
  }
}

/** An answer with what its headers tell: the change that can be undone, and the version. */
export interface Sent<T> { data: T; change: string | null; version: string | null }

/** One JSON request to the product's own API; when the session has ended the person signs in over the page and it is sent once more. */
export function send<T>(method: string, url: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Sent<T>> {
  const work = sending<T>(method, url, body, headers, signal);
  if (method === "GET") return work;
  const settled = work.then(() => undefined, () => undefined).finally(() => writes.delete(settled));
  writes.add(settled);
  return work;
}

/** Writes that are under way: Ctrl+Z pressed at once means them. */
const writes = new Set<Promise<void>>();

async function sending<T>(method: string, url: string, body: unknown, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<Sent<T>> {
  const response = await request(method, url, body, headers, signal, method !== "GET");
  const json = response.headers.get("Content-Type")?.includes("json");
  // An answer whose body was cut off is no answer; an error may well come without a body of its own.
  const data = response.status === 204 ? {} : await response.json().catch(() => {
    if (response.ok && json) throw new ApiError(0, t("The server cannot be reached."));
    return {};
  });
  if (!response.ok) {
    const found = data as { title?: string; detail?: string; problems?: Problem[] };
    if (response.status === 401) throw new ApiError(401, t("You are signed out. Sign in again to go on."));
    throw new ApiError(response.status, found.problems?.[0]?.message ?? found.detail ?? found.title ?? t("Something went wrong."), found.problems ?? []);
  }
  return { data: data as T, change: response.headers.get("x-change-id"), version: response.headers.get("etag") };
}

async function request(method: string, url: string, body: unknown, headers: Record<string, string>, signal: AbortSignal | undefined, again: boolean): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      signal: signal ?? null,
      headers: { Accept: "application/json", "Accept-Language": document.documentElement.lang, "X-CSRF-Token": csrf(), ...(body === undefined || body instanceof FormData ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? null : body instanceof FormData ? body : JSON.stringify(body),
    });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    document.dispatchEvent(new Event("xrm:unreachable"));
    throw new ApiError(0, t("The server cannot be reached."));
  }
  if (response.status === 401 && again && await signInAgain()) return request(method, url, body, headers, signal, false);
  return response;
}

/** The body of the answer to one JSON request. */
export async function api<T>(method: string, url: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<T> {
  return (await send<T>(method, url, body, headers, signal)).data;
}

let signing: Promise<boolean> | undefined;

/** Sign in over the page, which keeps what was typed; one dialog for all requests that wait. */
export function signInAgain(): Promise<boolean> {
  signing ??= import("./elements/relogin.ts").then(({ relogin }) => relogin()).finally(() => { signing = undefined; });
  return signing;
}

const DONE = "xrm:changes";
const UNDONE = "xrm:undone";

function stack(name: string): string[] {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "[]") as string[];
  } catch {
    return [];
  }
}

function keep(name: string, ids: string[]): void {
  try {
    sessionStorage.setItem(name, JSON.stringify(ids.slice(-50)));
  } catch { /* storage is off: the toast still offers undo */ }
}

/** Say what was done; Undo in the message and Ctrl+Z take it back. `after` runs once it is undone, else the page is told (`xrm:refresh`). */
export function did(text: string, change: string | null, after?: () => void): void {
  if (change) {
    keep(DONE, [...stack(DONE).filter((id) => id !== change), change]);
    keep(UNDONE, []);
  }
  toast(text, change ? { label: t("Undo"), act: () => void takeBack(change, after) } : {});
}

/** Undo one change, or the last one of this tab; gives whether it was undone. */
export async function takeBack(change?: string, after?: () => void): Promise<boolean> {
  if (!change) {
    await Promise.all(writes);
    await new Promise((resolve) => setTimeout(resolve));
  }
  const wanted = change ?? stack(DONE).at(-1);
  return wanted ? turn(wanted, "undo", after) : false;
}

/** Do the last undone change again. */
export async function doAgain(): Promise<boolean> {
  const change = stack(UNDONE).at(-1);
  return change ? turn(change, "redo") : false;
}

async function turn(change: string, way: "undo" | "redo", after?: () => void): Promise<boolean> {
  const [from, to] = way === "undo" ? [DONE, UNDONE] : [UNDONE, DONE];
  keep(from, stack(from).filter((id) => id !== change));
  try {
    const done = await api<{ records: { module: string; id: string }[] }>("POST", `/api/v1/changes/${change}/${way}`);
    keep(to, [...stack(to).filter((id) => id !== change), change]);
    toast(way === "undo" ? t("Undone") : t("Done again"), way === "undo" ? { label: t("Redo"), act: () => void turn(change, "redo") } : {});
    if (after) after();
    else refresh(done.records);
    return true;
  } catch (error) {
    toast((error as Error).message, { kind: "bad" });
    return false;
  }
}

/** Tell the page that records have changed; who shows them newly prevents the default, which is to load the page again. */
export function refresh(records: { module: string; id: string }[]): void {
  if (document.dispatchEvent(new CustomEvent("xrm:refresh", { detail: { records }, cancelable: true }))) location.reload();
}

export interface ToastOptions { kind?: "ok" | "bad"; label?: string; act?: () => void; href?: string }

/** Show a message at the bottom of the page. */
export function toast(text: string, options: ToastOptions = {}): void {
  document.dispatchEvent(new CustomEvent("xrm:toast", { detail: { text, ...options } }));
}

/** Say something to screen readers only. */
export function announce(text: string): void {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}

type Child = Node | string | null | undefined | false;

/** Make an element; attributes that are false or null are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string | boolean | null | undefined> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  for (const child of children) if (child) element.append(child);
  return element;
}

const sprite = document.querySelector<HTMLMetaElement>("meta[name=icons]")?.content ?? "";

/** An icon of the sprite. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Whether keys are being typed into something. */
export function typing(target: EventTarget | null): boolean {
  const element = target instanceof Element ? target : null;
  return !!element?.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

/** Put a popover at its button, inside the window; `where` is top|bottom and start|end. */
export function place(popover: HTMLElement, anchor: Element, where = "bottom-start"): void {
  const a = anchor.getBoundingClientRect();
  const p = popover.getBoundingClientRect();
  const [side, edge] = where.split("-");
  const rtl = document.dir === "rtl";
  let x = (edge === "end") !== rtl ? a.right - p.width : a.left;
  let y = side === "top" ? a.top - p.height - 6 : a.bottom + 6;
  if (y + p.height > innerHeight - 8 && a.top - p.height - 6 > 8) y = a.top - p.height - 6;
  if (y < 8) y = Math.min(a.bottom + 6, innerHeight - p.height - 8);
  x = Math.max(8, Math.min(x, innerWidth - p.width - 8));
  popover.style.left = `${x}px`;
  popover.style.top = `${Math.max(8, y)}px`;
}

export function debounce<A extends unknown[]>(wait: number, run: (...args: A) => void): (...args: A) => void {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => run(...args), wait);
  };
}

export interface Hit { module: string; id: string; title: string; subtitle?: string }

/** Search records, in some modules or in all. */
export async function search(query: string, modules: string[], signal?: AbortSignal, limit = 12): Promise<Hit[]> {
  const parameters = new URLSearchParams({ q: query, limit: String(limit) });
  if (modules.length) parameters.set("modules", modules.join(","));
  const found = await api<{ data: Hit[] }>("GET", `/api/v1/search?${parameters}`, undefined, {}, signal);
  return found.data;
}

/** Ask something in a dialog; gives the form's data, or null when cancelled. */
export function ask(title: string, submit: string, ...content: Node[]): Promise<FormData | null> {
  return new Promise((resolve) => {
    const form = h("form", { method: "dialog" }, h("h2", { id: "ask-title" }, title), ...content,
      h("div", { class: "buttons" }, h("button", { class: "btn", value: "cancel", formnovalidate: true }, t("Cancel")), h("button", { class: "btn primary", value: "ok" }, submit)));
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "ask-title" }, form);
    const before = document.activeElement;
    dialog.addEventListener("close", () => {
      const data = dialog.returnValue === "ok" ? new FormData(form) : null;
      dialog.remove();
      if (before instanceof HTMLElement) before.focus();
      resolve(data);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Ask for one of several reasons; null when cancelled. */
export async function askReason(stage: string, reasons: [string, string][]): Promise<string | null> {
  const select = h("select", { class: "input", name: "reason", id: "ask-reason", required: true }, h("option", { value: "" }), ...reasons.map(([name, label]) => h("option", { value: name }, label)));
  const data = await ask(t("Move to {stage}", { stage }), t("Move"), h("div", { class: "field" }, h("label", { for: "ask-reason" }, t("Reason")), select));
  return data ? String(data.get("reason") ?? "") : null;
}
