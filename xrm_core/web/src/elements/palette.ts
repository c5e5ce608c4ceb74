// <xrm-palette>: Ctrl+K; search over all modules, going to a module, creating; a combobox with a listbox.
import { debounce, h, icon, search, t, type Hit } from "../core.ts";

interface Choice { group: string; label: string; sub?: string; mark: string; href: string; keys?: string }

const RECENT = "xrm:recent";

export class Palette extends HTMLElement {
  private dialog?: HTMLDialogElement;
  private input!: HTMLInputElement;
  private list!: HTMLElement;
  private status!: HTMLElement;
  private active = 0;
  private shown: Choice[] = [];
  private request?: AbortController;

  connectedCallback(): void {
    remember();
  }

  show(): void {
    this.dialog ?? this.build();
    if (this.dialog!.open) return;
    this.input.value = "";
    this.render(this.local(""));
    this.dialog!.showModal();
    this.input.focus();
  }

  private build(): void {
    this.input = h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-label": t("Search or jump to…"), placeholder: t("Search or jump to…"), autocomplete: "off", spellcheck: "false" });
    this.list = h("div", { class: "results", role: "listbox", id: "palette-list", "aria-label": t("Results") });
    this.status = h("div", { class: "vh", role: "status" });
    this.dialog = h("dialog", { class: "palette", "aria-label": t("Search or jump to…") }, h("div", { class: "query" }, icon("search"), this.input, h("kbd", { "aria-hidden": "true" }, "Esc")), this.list, this.status,
      h("div", { class: "foot", "aria-hidden": "true" }, h("span", {}, h("kbd", {}, "↑"), " ", h("kbd", {}, "↓"), " ", t("choose")), h("span", {}, h("kbd", {}, "↵"), " ", t("open"))));
    const fetch = debounce(110, (query: string) => void this.ask(query));
    this.input.addEventListener("input", () => {
      const query = this.input.value.trim();
      this.render(this.local(query));
      this.request?.abort();
      if (query.length > 1) fetch(query);
    });
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("click", (event) => {
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (option) this.go(Number(option.dataset.index), event.ctrlKey || event.metaKey);
      else if (event.target === this.dialog) this.dialog!.close();
    });
    this.append(this.dialog);
  }

  private async ask(query: string): Promise<void> {
    this.request = new AbortController();
    try {
      const hits = await search(query, [], this.request.signal);
      if (this.input.value.trim() === query) this.render([...hits.map((hit) => record(hit)), ...this.local(query)]);
    } catch (error) {
      if ((error as Error).name !== "AbortError") this.status.textContent = (error as Error).message;
    }
  }

  /** What needs no server: recent records, modules, create. */
  private local(query: string): Choice[] {
    const words = query.toLowerCase();
    const found: Choice[] = words ? [] : recents().map((hit) => ({ ...record(hit), group: t("Recent") }));
    const seen = new Set<string>();
    const items = [...document.querySelectorAll<HTMLAnchorElement>("a.nav-item")].filter((item) => !seen.has(item.href) && seen.add(item.href));
    for (const item of items) {
      const label = item.querySelector("span")?.textContent ?? "";
      if (label.toLowerCase().includes(words)) found.push({ group: t("Go to"), label, mark: item.dataset.icon ?? "box", href: item.getAttribute("href") ?? "", keys: item.dataset.go ? `G ${item.dataset.go.toUpperCase()}` : "" });
    }
    for (const item of items) {
      const label = item.dataset.create ? t("New {label}", { label: item.dataset.one ?? "" }) : "";
      if (label && words && label.toLowerCase().includes(words)) found.push({ group: t("Create"), label, mark: "plus", href: item.dataset.create! });
    }
    if (words) found.push({ group: t("Search"), label: t("All results for “{query}”", { query }), mark: "search", href: `/search?q=${encodeURIComponent(query)}` });
    return found;
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
      this.list.append(h("div", { role: "option", id: `palette-${index}`, "data-index": String(index), "aria-selected": "false" }, icon(choice.mark), h("span", { class: "clip" }, choice.label), choice.sub && h("span", { class: "sub clip" }, choice.sub), h("span", { class: "end" }, choice.keys || "")));
    });
    if (!choices.length) this.list.append(h("div", { class: "none" }, t("Nothing found")));
    this.status.textContent = t("{count} results", { count: choices.length });
    this.mark();
  }

  private mark(): void {
    for (const option of this.list.querySelectorAll<HTMLElement>("[role=option]")) {
      const on = Number(option.dataset.index) === this.active;
      option.setAttribute("aria-selected", String(on));
      if (on) {
        this.input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      }
    }
  }

  private key(event: KeyboardEvent): void {
    const size = this.shown.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (size) this.active = (this.active + (event.key === "ArrowDown" ? 1 : size - 1)) % size;
      this.mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.go(this.active, event.ctrlKey || event.metaKey);
    }
  }

  private go(index: number, aside: boolean): void {
    const choice = this.shown[index];
    if (!choice) return;
    if (aside) window.open(choice.href, "_blank", "noopener");
    else {
      this.dialog?.close();
      location.assign(choice.href);
    }
  }
}

function record(hit: Hit): Choice {
  const item = document.querySelector<HTMLElement>(`a.nav-item[href="/m/${CSS.escape(hit.module)}"]`);
  const module = item?.querySelector("span")?.textContent ?? hit.module;
  return { group: module, label: hit.title, sub: hit.subtitle || "", mark: item?.dataset.icon ?? "file", href: `/m/${hit.module}/${hit.id}` };
}

function recents(): Hit[] {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]") as Hit[];
  } catch {
    return [];
  }
}

/** Keep the last records looked at, in this browser only. */
function remember(): void {
  const found = location.pathname.match(/^\/m\/([a-z0-9_]+)\/([0-9a-f-]{36})$/);
  const title = document.querySelector("h1")?.textContent?.trim();
  if (!found || !title) return;
  const hit: Hit = { module: found[1]!, id: found[2]!, title };
  try {
    localStorage.setItem(RECENT, JSON.stringify([hit, ...recents().filter((other) => other.id !== hit.id)].slice(0, 6)));
  } catch { /* storage is off */ }
}
