// What every element needs: texts, requests with the CSRF token, messages, small DOM helpers.

const texts: Record<string, string> = JSON.parse(document.getElementById("texts")?.textContent || "{}");

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

/** One JSON request to the product's own API. */
export async function api<T>(method: string, url: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      signal: signal ?? null,
      headers: { Accept: "application/json", "X-CSRF-Token": csrf(), ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError(0, t("The server cannot be reached."));
  }
  const data = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) {
    const found = data as { title?: string; detail?: string; problems?: Problem[] };
    if (response.status === 401) throw new ApiError(401, t("You are signed out. Sign in again to go on."));
    throw new ApiError(response.status, found.problems?.[0]?.message ?? found.detail ?? found.title ?? t("Something went wrong."), found.problems ?? []);
  }
  return data as T;
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
