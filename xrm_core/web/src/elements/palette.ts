// The command palette: records, actions here, modules, views, people, commands; a combobox with a listbox. Loaded when it is first opened.
import { api, debounce, h, icon, search, t, toast, type Hit } from "../core.ts";
import { thisPage, toggleFavourite } from "../favourites.ts";
import { runAction } from "../keys.ts";
import { loadHelp } from "../menus.ts";
import { peek, recents } from "../recent.ts";

interface Choice { group: string; label: string; sub?: string; mark: string; href?: string; keys?: string; hit?: Hit; module?: string; person?: string; run?: () => void }
interface View { key: string; module: string; name: string }
interface Person { id: string; name: string }

let once: Palette | undefined;

/** Bring the dialog to life; what was typed before this was loaded counts. */
export function attach(dialog: HTMLDialogElement): void {
  once ??= new Palette(dialog);
  once.begin();
}

class Palette {
  private readonly dialog: HTMLDialogElement;
  private readonly input: HTMLInputElement;
  private readonly list: HTMLElement;
  private readonly status: HTMLElement;
  private active = 0;
  private shown: Choice[] = [];
  private request: AbortController | undefined;
  private about: Choice | undefined;
  private views: View[] | undefined;
  private people: Person[] | undefined;
  private hits: { query: string; found: Hit[] } = { query: "", found: [] };
  /** Enter was pressed before the records came: the first of them is meant. */
  private hurried: { query: string; full: boolean } | undefined;
  private readonly ask = debounce(110, (query: string) => void this.fetch(query));

  constructor(dialog: HTMLDialogElement) {
    this.dialog = dialog;
    this.input = dialog.querySelector("input")!;
    this.list = dialog.querySelector<HTMLElement>("[role=listbox]")!;
    this.status = dialog.querySelector<HTMLElement>("[role=status]")!;
    this.input.addEventListener("input", () => this.typed());
    dialog.addEventListener("keydown", (event) => this.key(event));
    dialog.addEventListener("cancel", (event) => {
      if (!this.about) return;
      event.preventDefault();
      this.back();
    });
    this.list.addEventListener("click", (event) => {
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (option) this.go(Number(option.dataset.index), event.ctrlKey || event.metaKey, true);
    });
    this.list.addEventListener("pointermove", (event) => {
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (option && Number(option.dataset.index) !== this.active) {
        this.active = Number(option.dataset.index);
        this.mark(false);
      }
    });
  }

  begin(): void {
    this.about = undefined;
    this.typed();
    // The commands have their names and keys from the help.
    void loadHelp().then(() => { if (this.input.value) this.draw(); }, () => undefined);
  }

  private typed(): void {
    const query = this.input.value.trim();
    this.hurried = undefined;
    this.request?.abort();
    if (!this.about && query.length > 1 && !/^[>@#]/.test(query)) this.ask(query);
    if (query.startsWith("#") || query.length > 1) void this.load();
    if (query.startsWith("@")) void this.load();
    this.draw();
  }

  /** Views and people are few: fetched once, when first needed. */
  private async load(): Promise<void> {
    if (this.views) return;
    this.views = [];
    this.people = [];
    try {
      const [views, people] = await Promise.all([api<{ data: View[] }>("GET", "/api/v1/views"), api<{ data: Person[] }>("GET", "/api/v1/users")]);
      this.views = views.data;
      this.people = people.data.filter((one) => !(one as Person & { disabled?: boolean }).disabled);
      this.draw();
    } catch { /* records and modules are there without them */ }
  }

  private async fetch(query: string): Promise<void> {
    this.request = new AbortController();
    try {
      const found = await search(query, [], this.request.signal, 30);
      // A few of each kind, so that one module cannot hide the others.
      const seen: Record<string, number> = {};
      this.hits = { query, found: found.filter((hit) => (seen[hit.module] = (seen[hit.module] ?? 0) + 1) <= 5) };
      if (this.input.value.trim() === query) this.draw();
      if (this.hurried?.query === query) this.go(0, this.hurried.full, false);
    } catch (error) {
      if (this.hurried?.query === query) this.go(0, this.hurried.full, false);
      if ((error as Error).name !== "AbortError") this.status.textContent = (error as Error).message;
    }
  }

  private draw(): void {
    const query = this.input.value.trim();
    this.render(this.about ? match(this.actionsOf(this.about), query) : this.choices(query));
  }

  private choices(query: string): Choice[] {
    const first = query[0];
    if (first === ">") return match([...here(), ...commands(), ...creates()], query.slice(1).trim());
    if (first === "@") return match((this.people ?? []).map(person), query.slice(1).trim());
    if (first === "#") return match((this.views ?? []).map(view), query.slice(1).trim());
    if (!query) return [...recents().map((hit) => ({ ...record(hit), group: t("Recent") })), ...here(), ...modules(), ...creates()];
    const records = this.hits.query && query.startsWith(this.hits.query) || this.hits.query === query ? this.hits.found : recents();
    return [
      ...(records === this.hits.found && this.hits.query === query ? together(records.map(record)) : match(records.map(record), query)),
      ...match([...modules(), ...creates(), ...here(), ...commands(), ...(this.views ?? []).map(view), ...(this.people ?? []).map(person)], query).slice(0, 12),
      { group: t("Search"), label: t("All results for “{query}”", { query }), mark: "search", href: `/search?q=${encodeURIComponent(query)}` },
    ];
  }

  /** What can be done with a record, a module or a person (Tab). */
  private actionsOf(choice: Choice): Choice[] {
    const group = choice.label;
    const open: Choice = { group, label: t("Open"), mark: "arrow-right", href: choice.href ?? "" };
    if (choice.hit) {
      const { module, id, title } = choice.hit;
      return [
        ...(peekable() ? [{ group, label: t("Look at it beside this page"), mark: "panel-left", hit: choice.hit }] : []),
        open,
        { group, label: t("Edit"), mark: "pencil", href: `${choice.href}/edit` },
        { group, label: t("Open in a new tab"), mark: "external-link", run: () => window.open(choice.href, "_blank", "noopener") },
        { group, label: t("Add to favourites, or remove"), mark: "star", run: () => void toggleFavourite({ kind: "record", target: id, module, title }) },
        { group, label: t("Copy the link"), mark: "link", run: () => void copy(choice.href ?? "") },
      ];
    }
    if (choice.person) return modules().filter((one) => one.module).map((one) => ({ ...one, group, label: t("{records} of {name}", { records: one.label, name: choice.label }), href: `${one.href}?f=owner~eq~${choice.person}` }));
    const views = (this.views ?? []).filter((one) => one.module === choice.module).map((one) => ({ ...view(one), group }));
    return [open, ...creates().filter((one) => one.module === choice.module).map((one) => ({ ...one, group })), ...views];
  }

  private back(): void {
    this.about = undefined;
    this.input.value = "";
    this.typed();
  }

  private render(choices: Choice[]): void {
    this.shown = choices;
    this.active = 0;
    this.list.replaceChildren();
    let group = "";
    choices.forEach((choice, index) => {
      if (choice.group !== group) {
        group = choice.group;
        this.list.append(h("div", { class: "group", role: "presentation" }, group));
      }
      const more = choice.hit || choice.module || choice.person;
      this.list.append(h("div", { role: "option", id: `palette-${index}`, "data-index": String(index), "aria-selected": "false" }, icon(choice.mark), h("span", { class: "clip" }, choice.label), choice.sub && h("span", { class: "sub clip" }, choice.sub), h("span", { class: "end" }, choice.keys || "", more && !this.about ? h("kbd", { "aria-hidden": "true" }, "Tab") : null)));
    });
    if (!choices.length) this.list.append(h("div", { class: "none" }, t("Nothing found")));
    this.status.textContent = t("{count} results", { count: choices.length });
    this.mark();
  }

  private mark(scroll = true): void {
    for (const option of this.list.querySelectorAll<HTMLElement>("[role=option]")) {
      const on = Number(option.dataset.index) === this.active;
      option.setAttribute("aria-selected", String(on));
      if (on) {
        this.input.setAttribute("aria-activedescendant", option.id);
        if (scroll) option.scrollIntoView({ block: "nearest" });
      }
    }
  }

  private key(event: KeyboardEvent): void {
    const size = this.shown.length;
    const choice = this.shown[this.active];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (size) this.active = (this.active + (event.key === "ArrowDown" ? 1 : size - 1)) % size;
      this.mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      const query = this.input.value.trim();
      const full = event.ctrlKey || event.metaKey;
      if (choice?.href?.startsWith("/search?") && this.active === 0 && this.hits.query !== query && query.length > 1) this.hurried = { query, full };
      else this.go(this.active, full, false);
    } else if (event.key === "Tab" && !this.about && choice && (choice.hit || choice.module || choice.person)) {
      event.preventDefault();
      void this.load();
      this.about = choice;
      this.input.value = "";
      this.draw();
    } else if (this.about && event.key === "Backspace" && !this.input.value) this.back();
  }

  /** Do it: a record is looked at beside the page, with Ctrl its page opens; Ctrl and a click open a tab. */
  private go(index: number, full: boolean, clicked: boolean): void {
    const choice = this.shown[index];
    if (!choice) return;
    if (full && clicked && choice.href) return void window.open(choice.href, "_blank", "noopener");
    this.dialog.close();
    if (choice.run) choice.run();
    else if (!(choice.hit && !full && peek(choice.hit.module, choice.hit.id)) && choice.href) location.assign(choice.href);
  }
}

/** Those that have every word, those that begin with it first. */
function match(choices: Choice[], query: string): Choice[] {
  const plain = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const words = plain(query).split(/\s+/).filter(Boolean);
  if (!words.length) return choices;
  const score = (choice: Choice) => (plain(choice.label).startsWith(words[0]!) ? 0 : 1);
  return choices.filter((choice) => words.every((word) => plain(`${choice.label} ${choice.sub ?? ""}`).includes(word))).sort((a, b) => (a.group === b.group ? score(a) - score(b) : 0));
}

const items = (): HTMLAnchorElement[] => [...document.querySelectorAll<HTMLAnchorElement>(".side > a.nav-item")];

function modules(): Choice[] {
  return items().map((item) => ({ group: t("Go to"), label: item.querySelector("span")?.textContent ?? "", mark: item.dataset.icon ?? "box", href: item.getAttribute("href") ?? "", keys: item.dataset.go ? `G ${item.dataset.go.toUpperCase()}` : "", ...(item.pathname.startsWith("/m/") ? { module: item.pathname.slice(3) } : {}) }));
}

function creates(): Choice[] {
  return items().filter((item) => item.dataset.create).map((item) => ({ group: t("Create"), label: t("New {label}", { label: item.dataset.one ?? "" }), mark: "plus", module: item.pathname.slice(3), run: () => create(item.dataset.create!) }));
}

/** The quick form where there is one, else the page. */
function create(url: string): void {
  if (document.dispatchEvent(new CustomEvent("xrm:create", { detail: { url }, cancelable: true }))) location.assign(url);
}

/** What this page offers: its buttons, by their names. */
function here(): Choice[] {
  const found = new Map<string, Choice>();
  for (const button of document.querySelectorAll<HTMLElement>("main .right :is(a, button), main .bare :is(a, button), main [role=toolbar] button, main [data-palette]")) {
    const label = (button.getAttribute("aria-label") ?? button.textContent ?? "").replace(/\s+/g, " ").trim();
    if (label && button.checkVisibility() && !button.closest("xrm-grid, .lane, [aria-hidden=true]")) found.set(label, { group: t("On this page"), label, mark: mark(button), run: () => button.click() });
  }
  const page = thisPage();
  if (page) found.set("favourite", { group: t("On this page"), label: t("Add to favourites, or remove"), mark: "star", keys: "Alt F", run: () => void toggleFavourite() });
  return [...found.values()];
}

function mark(button: HTMLElement): string {
  return button.querySelector("use")?.getAttribute("href")?.split("#")[1] ?? "zap";
}

/** The shortcuts as commands, and the entries of the person's menu. */
function commands(): Choice[] {
  const group = t("Commands");
  const found: Choice[] = [];
  for (const line of document.querySelectorAll<HTMLElement>("#help [data-shortcut]")) {
    const id = line.dataset.shortcut ?? "";
    if (!["create", "undo", "redo", "notices", "nav", "help", "find", "filter", "note", "call", "assign"].includes(id)) continue;
    const keys = [...line.querySelectorAll("kbd")].map((one) => one.textContent).join(" ");
    found.push({ group, label: line.querySelector("dt")?.textContent ?? "", mark: "command", keys, run: () => runAction(id) });
  }
  for (const item of document.querySelectorAll<HTMLElement>("#me-menu .item:not([data-open=help])")) found.push({ group, label: item.textContent?.replace(/\s+/g, " ").trim() ?? "", mark: mark(item), run: () => item.click() });
  return found;
}

function record(hit: Hit): Choice {
  const item = document.querySelector<HTMLElement>(`.side > a.nav-item[href="/m/${CSS.escape(hit.module)}"]`);
  return { group: item?.querySelector("span")?.textContent ?? hit.module, label: hit.title, sub: hit.subtitle || "", mark: item?.dataset.icon ?? "file", href: `/m/${hit.module}/${hit.id}`, hit };
}

function view(one: View): Choice {
  const item = document.querySelector<HTMLElement>(`.side > a.nav-item[href="/m/${CSS.escape(one.module)}"]`);
  const name = one.key.includes(".") ? one.key.split(".")[1]! : one.key;
  return { group: t("Views"), label: one.name, sub: item?.querySelector("span")?.textContent ?? one.module, mark: "layout-list", href: `/m/${one.module}?view=${encodeURIComponent(name)}` };
}

function person(one: Person): Choice {
  const first = modules().find((item) => item.module);
  return { group: t("People"), label: one.name, mark: "user", person: one.id, href: `${first?.href ?? "/search"}?f=owner~eq~${one.id}` };
}

const peekable = (): boolean => !!document.querySelector("xrm-drawer");

async function copy(path: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.origin + path);
    toast(t("The link is copied"));
  } catch {
    toast(location.origin + path);
  }
}

/** Groups one after the other, in the order in which their best hits come. */
function together(choices: Choice[]): Choice[] {
  return [...new Set(choices.map((choice) => choice.group))].flatMap((group) => choices.filter((choice) => choice.group === group));
}
