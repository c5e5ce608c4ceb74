// Quick create: the short form for a new record in the drawer, with likely duplicates while typing; never two layers.
import { debounce, did, h, icon, send, t, toast } from "../core.ts";
import { closeDrawer, openDrawer } from "../drawer.ts";
import { wireFragment } from "../forms.ts";
import { part } from "../fragments.ts";
import { wireConditions } from "../conditions.ts";
import { first, showProblems } from "./record.ts";

interface Frame { drawer: HTMLElement; body: HTMLElement; bar: (...extra: Node[]) => HTMLElement }
interface Made { id: string; module: string; title: string; url: string; text: string; warnings: string[] }
interface Layer { form: HTMLFormElement; title: string; chosen?: (made: Made) => void }
const layers: Layer[] = [];
const wired = new WeakSet<HTMLElement>();
let frame: Frame | null = null;

/** Open the form for the address of a whole form (/m/module/new?…); false when there is no short one. */
export async function create(url: string, open: () => Frame): Promise<boolean> {
  const wanted = new URL(url, location.href);
  const module = /^\/m\/([a-z][a-z0-9_]*)\/new$/.exec(wanted.pathname)?.[1];
  if (!module) return false;
  const form = await load(module, wanted.search);
  if (!form) return false;
  layers.length = 0;
  frame = open();
  layers.push({ form, title: form.dataset.title ?? "" });
  if (!wired.has(frame.drawer)) frame.drawer.addEventListener("xrm:closing", (event) => {
    if (layers.length > 1 && layers.at(-1)?.form.isConnected) {
      event.preventDefault();
      back();
    }
  });
  wired.add(frame.drawer);
  show();
  return true;
}

async function load(module: string, query: string): Promise<HTMLFormElement | null> {
  try {
    const form = (await part(`/m/${module}/quick${query}`)).querySelector<HTMLFormElement>("form.quick");
    if (form) {
      wire(form, module);
      if (!query) restore(form, module);
    }
    return form;
  } catch (error) {
    toast((error as Error).message, { kind: "bad" });
    return null;
  }
}

/** The topmost form, with the way back to the one below. */
function show(): void {
  const layer = layers.at(-1);
  if (!layer || !frame) return;
  const crumbs: Node[] = [];
  if (layers.length > 1) {
    const button = h("button", { class: "btn sm quiet", type: "button" }, icon("chevron-left"), layers.at(-2)!.title);
    button.addEventListener("click", back);
    crumbs.push(button);
  }
  frame.body.replaceChildren(frame.bar(...crumbs), layer.form);
  frame.drawer.setAttribute("aria-label", layer.title);
  wireFragment(layer.form);
  (layer.form.querySelector<HTMLElement>("[aria-invalid]") ?? first(layer.form.querySelector(".form-grid") ?? layer.form))?.focus();
}

function back(): void {
  layers.pop();
  show();
}

function wire(form: HTMLFormElement, module: string): void {
  const likely = debounce(300, () => void duplicates(form, module));
  form.addEventListener("input", likely);
  form.addEventListener("input", () => keep(form, module));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    void store(form, (event.submitter as HTMLButtonElement | null)?.name === "another");
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      void store(form, event.shiftKey);
    }
  });
  form.querySelector("[data-more]")?.addEventListener("click", (event) => {
    event.preventDefault();
    void more(form, module);
  });
  form.addEventListener("xrm:create-linked", (event) => {
    const { module: other, text, choose } = (event as CustomEvent<{ module: string; text: string; choose: (id: string, title: string) => void }>).detail;
    event.preventDefault();
    void load(other, "").then((inner) => {
      if (!inner) return;
      layers.push({ form: inner, title: inner.dataset.title ?? "", chosen: (made) => choose(made.id, made.title) });
      show();
      const input = first(inner.querySelector(".form-grid") ?? inner);
      if (input instanceof HTMLInputElement && ["text", "email"].includes(input.type)) input.value = text;
      input?.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });
  wireConditions(form, module);
}

const draftOf = (module: string): string => `xrm:quick:${module}`;

/** Keep what is typed: a drawer that was closed by mistake, or a tab that died, loses nothing. */
function keep(form: HTMLFormElement, module: string): void {
  try {
    const values = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && value && name !== "_csrf");
    localStorage.setItem(draftOf(module), JSON.stringify(values));
  } catch { /* storage is off */ }
}

function forget(module: string): void {
  try {
    localStorage.removeItem(draftOf(module));
  } catch { /* storage is off */ }
}

function restore(form: HTMLFormElement, module: string): void {
  let kept: [string, string][] = [];
  try {
    kept = JSON.parse(localStorage.getItem(draftOf(module)) ?? "[]") as [string, string][];
  } catch { /* storage is off */ }
  let back = 0;
  for (const [name, value] of kept) {
    const control = form.elements.namedItem(name);
    if (!(control instanceof HTMLTextAreaElement || (control instanceof HTMLInputElement && !["hidden", "checkbox", "radio", "file"].includes(control.type))) || control.value === value) continue;
    control.value = value;
    back += 1;
  }
  if (!back) return;
  const away = h("button", { class: "btn sm quiet", type: "button" }, t("Discard"));
  const told = h("p", { class: "notice draft" }, icon("history"), t("Your draft is back."), away);
  away.addEventListener("click", () => {
    form.reset();
    forget(module);
    told.remove();
  });
  form.querySelector(".form-grid")?.before(told);
}

/** The fields that the short form leaves out, below those it has. */
async function more(form: HTMLFormElement, module: string): Promise<void> {
  const button = form.querySelector<HTMLElement>("[data-more]");
  const found = await part(`/m/${module}/quick?rest=1`).catch((error: Error) => {
    toast(error.message, { kind: "bad" });
    return null;
  });
  const rest = found?.firstElementChild;
  if (!rest || !button) return;
  const place = form.querySelector(".body")!;
  place.append(rest);
  wireFragment(rest);
  button.remove();
  first(rest)?.focus();
}

async function duplicates(form: HTMLFormElement, module: string): Promise<void> {
  const box = form.querySelector<HTMLElement>(".likely");
  if (!box || !form.isConnected) return;
  const body = new FormData(form);
  body.delete("_csrf");
  try {
    const { data } = await send<{ data: { id: string; title: string; reason: string; facts: string }[] }>("POST", `/m/${module}/quick/likely`, body);
    const layer = layers.find((one) => one.form === form);
    const shown = data.data.map((one) => {
      const open = h("a", { class: "btn sm", href: `/m/${module}/${one.id}`, target: "_blank" }, t("Open"));
      const use = layer?.chosen && h("button", { class: "btn sm primary", type: "button" }, t("Use this one"));
      if (use) use.addEventListener("click", () => finish(layer, { id: one.id, module, title: one.title, url: `/m/${module}/${one.id}`, text: "", warnings: [] }, null, false));
      return h("div", { class: "notice" }, icon("users-round"), h("span", {}, h("strong", {}, one.title), ` · ${one.reason}`, one.facts && h("span", { class: "muted" }, ` · ${one.facts}`)), h("span", { class: "right" }, use, open));
    });
    const before = box.textContent;
    box.replaceChildren(...shown);
    if (box.textContent === before) return;
  } catch { /* it is a help, the form works without it */ }
}

async function store(form: HTMLFormElement, another: boolean): Promise<void> {
  if (form.hasAttribute("aria-busy")) return;
  form.setAttribute("aria-busy", "true");
  const body = new FormData(form);
  body.delete("_csrf");
  try {
    const { data, change } = await send<Made>("POST", form.action, body);
    forget(data.module);
    const layer = layers.find((one) => one.form === form);
    if (layer) finish(layer, data, change, another);
  } catch (error) {
    showProblems(form, error as Error);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

function finish(layer: Layer, made: Made, change: string | null, another: boolean): void {
  if (made.text) did([made.text, ...made.warnings].join(". "), change);
  if (layer.chosen) {
    layers.pop();
    layer.chosen(made);
    return show();
  }
  if (another) {
    layer.form.reset();
    for (const old of layer.form.querySelectorAll(".err, .likely > *")) old.remove();
    first(layer.form.querySelector(".form-grid") ?? layer.form)?.focus();
    document.dispatchEvent(new CustomEvent("xrm:created", { detail: made }));
    return;
  }
  layers.length = 0;
  closeDrawer();
  void reveal(made);
}

/** Show the new record where one is: in its list with the focus on it, on the record it belongs to, or beside the page. */
async function reveal(made: Made): Promise<void> {
  document.dispatchEvent(new CustomEvent("xrm:created", { detail: made }));
  const record = document.querySelector<HTMLElement & { reload(): Promise<void> }>(".page xrm-record");
  if (record) {
    await record.reload();
    const link = record.querySelector<HTMLElement>(`[data-id="${made.id}"] a.t`);
    if (link) return link.focus();
  } else if (location.pathname === `/m/${made.module}`) {
    const taken = !document.dispatchEvent(new CustomEvent("xrm:refresh", { detail: { records: [{ module: made.module, id: made.id }] }, cancelable: true }));
    if (!taken) {
      const url = new URL(location.href);
      url.searchParams.set("peek", `${made.module}/${made.id}`);
      return location.assign(url);
    }
    const link = await appears(`#results [data-id="${made.id}"] :is(a.t, a.title)`);
    if (link) {
      link.scrollIntoView({ block: "center" });
      return link.focus();
    }
  }
  await openDrawer(made.module, made.id);
}

/** The element, as soon as the list shows it; null when it does not within some seconds. */
function appears(selector: string): Promise<HTMLElement | null> {
  return new Promise((resolve) => {
    const until = Date.now() + 4000;
    const look = () => {
      const found = document.querySelector<HTMLElement>(selector);
      if (found || Date.now() > until) resolve(found);
      else setTimeout(look, 50);
    };
    look();
  });
}
