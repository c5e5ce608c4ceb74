// The filter builder: rows of field, operator and value in groups, or the same condition as text; counts while it is changed.
import { api, ApiError, debounce, h, icon, t } from "../core.ts";

type Asked = [name: string, label: string, input: string];
interface Field { name: string; label: string; kind: string; options?: [string, string, string][]; to?: string }
interface Row { field?: string; op?: string; value?: unknown; text?: string }
interface Group { join: "and" | "or"; items: (Row | Group)[] }
interface Fields { module: string; modules: Record<string, { label: string; fields: Field[] }>; users: [string, string][]; operators: Record<string, Asked[]>; spans: [string, string][]; units: Record<string, string> }
interface Answer { text?: string; rows?: Group; titles?: Record<string, string>; count?: number; exact?: boolean; problems?: { path: string; message: string; hint?: string }[] }
export interface State { rows: Group; text: string; titles?: Record<string, string>; own?: Record<string, string> }

const DATE_UNITS = ["days", "weeks", "months", "years"];
const LENGTHS = ["days", "weeks", "months", "years", "hours", "business_days"];
const AHEAD = ["days", "weeks", "months", "quarters", "years"];
const LAYERS = 2;
let counter = 0;

// Arrays have a join of their own.
const isGroup = (item: Row | Group): item is Group => !Array.isArray(item) && "join" in item;
const isRow = (item: Row | Group): item is Row => !isGroup(item);

export class Builder {
  private fields!: Fields;
  private root: Group;
  private titles: Record<string, string>;
  private asText = false;
  private text: string;
  private known = new Map<string, Field[]>();
  private request?: AbortController;
  private output!: HTMLElement;
  private problem!: HTMLElement;
  private applying = false;
  // What was typed last is asked when it is applied: a later question would take the answer away.
  private readonly check = debounce(150, () => {
    if (!this.applying) void this.ask();
  });

  private readonly popup: HTMLElement;
  private readonly source: string;
  private readonly own: Record<string, string>;
  private readonly placed: () => void;
  private readonly taken: ((text: string) => void) | undefined;

  /** With `taken` the condition goes there, else into the address of the page. */
  constructor(popup: HTMLElement, source: string, state: State, placed: () => void, taken?: (text: string) => void) {
    this.taken = taken;
    this.popup = popup;
    this.source = source;
    this.own = state.own ?? {};
    this.placed = placed;
    this.root = state.rows ?? { join: "and", items: [] };
    this.text = state.text ?? "";
    this.titles = state.titles ?? {};
  }

  async show(): Promise<void> {
    if (!this.fields) {
      try {
        this.fields = await api<Fields>("GET", this.source);
      } catch (error) {
        this.popup.replaceChildren(h("p", { class: "notice bad", role: "alert" }, (error as Error).message));
        return this.placed();
      }
      if (!this.root.items.length) this.root.items.push({});
    }
    this.render();
    void this.ask();
    const boxes = [...this.popup.querySelectorAll<HTMLInputElement>(".ffield input")];
    (this.asText ? this.popup.querySelector<HTMLElement>("textarea") : boxes.find((box) => !box.value) ?? boxes[0] ?? this.popup.querySelector<HTMLElement>("input, button"))?.focus();
  }

  private render(): void {
    const mode = (label: string, text: boolean) => {
      const button = h("button", { type: "button", "aria-pressed": String(this.asText === text) }, label);
      button.addEventListener("click", () => void this.turn(text));
      return button;
    };
    this.output = h("output", { class: "fcount num", role: "status" });
    this.problem = h("p", { class: "notice bad", role: "alert", hidden: true });
    const clear = h("button", { type: "button", class: "btn sm quiet" }, t("Clear all"));
    clear.addEventListener("click", () => {
      this.root = { join: "and", items: [{}] };
      this.text = "";
      this.render();
      void this.ask();
      this.popup.querySelector<HTMLElement>("[role=combobox], textarea")?.focus();
    });
    const form = h("form", { class: "fbuild", novalidate: true },
      h("div", { class: "fhead" }, h("strong", {}, t("Filter")), h("div", { class: "segmented", role: "group", "aria-label": t("Filter") }, mode(t("Conditions"), false), mode(t("Text"), true))),
      this.asText ? this.textForm() : h("div", { class: "fbody" }, this.groupView(this.root, this.fields.module, 1)),
      this.problem,
      h("div", { class: "ffoot" }, this.output, clear, h("button", { class: "btn primary sm" }, t("Apply"), h("kbd", { "aria-hidden": "true" }, "Ctrl ↵"))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.apply();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        void this.apply();
      }
    });
    this.popup.replaceChildren(form);
    this.placed();
  }

  // -- text ----------------------------------------------------------------------------------------------------------

  private textForm(): HTMLElement {
    const area = h("textarea", { class: "input mono", rows: "5", spellcheck: "false", "aria-label": t("Filter as text"), "aria-describedby": "filter-help" }, this.text);
    area.addEventListener("input", () => {
      this.text = area.value;
      this.check();
    });
    return h("div", { class: "fbody" }, area, h("p", { class: "muted", id: "filter-help" }, t("For example: owner == me and within(created_at, 'last_30_days')")));
  }

  private async turn(text: boolean): Promise<void> {
    if (text === this.asText) return;
    const found = await this.ask();
    if (!found || (found.problems && !found.rows)) return;
    if (found.rows) this.root = found.rows;
    if (!this.root.items.length) this.root.items.push({});
    this.text = found.text ?? this.text;
    this.asText = text;
    this.render();
    this.told(found);
    this.popup.querySelector<HTMLElement>("textarea, [role=combobox]")?.focus();
  }

  // -- groups and rows -----------------------------------------------------------------------------------------------

  private groupView(group: Group, module: string, level: number): HTMLElement {
    const view = h("div", { class: `fgroup${level > 1 ? " inner" : ""}`, role: "group", "aria-label": level > 1 ? t("Group") : t("Conditions") });
    group.items.forEach((item, index) => {
      const line = h("div", { class: "fline" }, this.joint(group, index), isGroup(item) ? this.groupView(item, module, level + 1) : this.rowView(item, module));
      const remove = h("button", { type: "button", class: "btn sm quiet square", "aria-label": isGroup(item) ? t("Remove the group") : t("Remove the condition") }, icon("x"));
      remove.addEventListener("click", () => {
        group.items.splice(index, 1);
        if (!group.items.length && group === this.root) group.items.push({});
        this.change();
        (this.popup.querySelector<HTMLElement>(".frow [role=combobox]") ?? this.popup.querySelector<HTMLElement>("button"))?.focus();
      });
      line.append(remove);
      view.append(line);
    });
    const add = (label: string, item: () => Row | Group) => {
      const button = h("button", { type: "button", class: "btn sm quiet" }, icon("plus"), label);
      button.addEventListener("click", () => {
        group.items.push(item());
        this.change();
        const rows = [...this.popup.querySelectorAll<HTMLElement>(".frow")];
        (rows.filter((row) => row.dataset.fresh !== undefined).at(-1) ?? rows.at(-1))?.querySelector<HTMLElement>("[role=combobox]")?.focus();
      });
      return button;
    };
    view.append(h("div", { class: "fadd" }, add(t("Condition"), () => ({})), level < 2 && add(t("Group"), () => ({ join: group.join === "and" ? "or" : "and", items: [{}] }))));
    return view;
  }

  private joint(group: Group, index: number): HTMLElement {
    if (index === 0) return h("span", { class: "fjoin" }, t("Where"));
    if (index > 1) return h("span", { class: "fjoin" }, group.join === "and" ? t("and") : t("or"));
    const select = h("select", { class: "input fjoin", "aria-label": t("Join conditions by") }, ...(["and", "or"] as const).map((join) => h("option", { value: join, selected: group.join === join }, join === "and" ? t("and") : t("or"))));
    select.addEventListener("change", () => {
      group.join = select.value as "and" | "or";
      this.change();
      this.popup.querySelector<HTMLElement>("select.fjoin")?.focus();
    });
    return select;
  }

  private change(): void {
    this.render();
    this.check();
  }

  /** Fields of a module and behind its links, with labels along the way; each module's list is made once. */
  private offered(module: string): Field[] {
    const kept = this.known.get(module);
    if (kept) return kept;
    const found: Field[] = [];
    const along = (name: string, path: string, label: string, layer: number) => {
      for (const field of this.fields.modules[name]?.fields ?? []) {
        if (path && (field.kind === "related" || field.kind === "count")) continue;
        const inner = /^(\w+)\((.*)\)$/.exec(field.name);
        found.push({ ...field, name: inner ? `${inner[1]}(${path}${inner[2]})` : path + field.name, label: label + field.label });
      }
      if (layer === LAYERS) return;
      for (const field of this.fields.modules[name]?.fields ?? []) if (field.kind === "record" && field.to) along(field.to, `${path}${field.name}.`, `${label}${field.label} › `, layer + 1);
    };
    along(module, "", "", 0);
    this.known.set(module, found);
    return found;
  }

  private rowView(row: Row, module: string): HTMLElement {
    const view = h("div", { class: "frow" });
    if (row.text !== undefined) {
      const input = h("input", { class: "input mono", value: row.text, "aria-label": t("Condition as text"), spellcheck: "false" });
      input.addEventListener("input", () => {
        row.text = input.value;
        this.check();
      });
      view.append(input);
      return view;
    }
    const all = this.offered(module);
    if (!row.field) view.dataset.fresh = "";
    const id = `filter-field-${++counter}`;
    const select = h("select", { id }, h("option", { value: "" }), ...all.map((field) => h("option", { value: field.name, selected: field.name === row.field }, field.label)));
    select.addEventListener("input", () => {
      if (!select.value || select.value === row.field) return;
      row.field = select.value;
      const operators = this.fields.operators[this.fieldOf(row, module)?.kind ?? "plain"] ?? [];
      if (!operators.some(([name]) => name === row.op)) row.op = operators[0]?.[0] ?? "is_empty";
      delete row.value;
      delete view.dataset.fresh;
      this.fill(view, row, module);
      this.check();
      view.querySelector<HTMLElement>("select.fop")?.focus();
    });
    view.append(h("label", { class: "vh", for: id }, t("Field")), h("xrm-combobox" as "div", { "data-local": true, "data-label": t("Field"), class: "ffield" }, select));
    this.fill(view, row, module);
    return view;
  }

  private fieldOf(row: Row, module: string): Field | undefined {
    return this.offered(module).find((field) => field.name === row.field);
  }

  /** Operator and value of a row whose field is chosen. */
  private fill(view: HTMLElement, row: Row, module: string): void {
    view.querySelectorAll(".fop, .fvalue").forEach((old) => old.remove());
    const field = this.fieldOf(row, module);
    if (!field) return;
    const operators = this.fields.operators[field.kind] ?? [];
    const operator = h("select", { class: "input fop", "aria-label": t("Condition") }, ...operators.map(([name, label]) => h("option", { value: name, selected: name === row.op }, label)));
    const place = h("div", { class: "fvalue" });
    const values = () => {
      const kind = operators.find(([name]) => name === row.op)?.[2] ?? "none";
      place.className = `fvalue${kind === "group" ? " wide" : ""}`;
      place.replaceChildren(...this.widget(kind, field, row));
      place.hidden = !place.children.length;
    };
    operator.addEventListener("change", () => {
      const before = operators.find(([name]) => name === row.op)?.[2];
      row.op = operator.value;
      const now = operators.find(([name]) => name === row.op)?.[2];
      if (before !== now) delete row.value;
      values();
      this.placed();
      this.check();
    });
    view.append(operator, place);
    values();
    this.placed();
  }

  private widget(kind: string, field: Field, row: Row): Node[] {
    const label = t("Value");
    const put = (value: unknown) => {
      if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) delete row.value;
      else row.value = value;
      this.check();
    };
    const input = (type: string, value: unknown, name: string, done: (text: string) => void) => {
      const box = h("input", { class: "input", type: type === "number" ? "text" : type, inputmode: type === "number" ? "decimal" : null, value: value == null ? "" : String(value), "aria-label": name });
      box.addEventListener("input", () => done(box.value.trim()));
      return box;
    };
    const choice = (options: [string, string][], value: string, name: string, done: (value: string) => void) => {
      const box = h("select", { class: "input", "aria-label": name }, ...options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
      box.addEventListener("change", () => done(box.value));
      return box;
    };
    const combo = (options: [string, string][], chosen: string[], more: Record<string, string | boolean>, done: (values: string[]) => void) => {
      const id = `filter-value-${++counter}`;
      const select = h("select", { id, multiple: !!more["data-many"] }, ...(more["data-many"] ? [] : [h("option", { value: "" })]), ...options.map(([key, text]) => h("option", { value: key, selected: chosen.includes(key) }, text)));
      const told = () => done([...select.selectedOptions].map((option) => option.value).filter(Boolean));
      const box = h("xrm-combobox" as "div", { "data-label": field.label, ...more }, select);
      select.addEventListener("input", told);
      box.addEventListener("click", (event) => { if ((event.target as Element).closest(".chip button")) told(); });
      box.addEventListener("keyup", (event) => { if (event.key === "Backspace") told(); });
      return [h("label", { class: "vh", for: id }, label), box];
    };
    switch (kind) {
      case "none": return [];
      case "text": return [input("text", row.value, label, put)];
      case "date": return [input("date", row.value, label, put)];
      case "number": return [input("number", shown(row.value), label, (text) => put(number(text)))];
      case "numbers": case "dates": {
        const pair = Array.isArray(row.value) ? row.value : [];
        const texts = pair.map((one) => (kind === "dates" ? String(one) : shown(one)));
        const done = () => {
          const values = kind === "dates" ? texts.map((text) => text || null) : texts.map((text) => number(text ?? ""));
          put(values.length === 2 && values.every(Boolean) ? values : null);
        };
        return [0, 1].map((at) => input(kind === "dates" ? "date" : "number", texts[at], at ? t("To") : t("From"), (text) => {
          texts[at] = text;
          done();
        }));
      }
      case "boolean":
        if (typeof row.value !== "boolean") put(true);
        return [choice([["true", t("Yes")], ["false", t("No")]], String(row.value), label, (text) => put(text === "true"))];
      case "span":
        if (typeof row.value !== "string") put(this.fields.spans.find(([name]) => name === "this_month")?.[0]);
        return [choice(this.fields.spans.some(([name]) => name === row.value) ? this.fields.spans : [[String(row.value), String(row.value).replaceAll("_", " ")], ...this.fields.spans], String(row.value), label, put)];
      case "length": case "duration": {
        const now = (row.value ?? { n: kind === "length" && row.op?.includes("last") ? 90 : 14, unit: "days" }) as { n: number | null; unit: string };
        const units = kind === "duration" ? LENGTHS : row.op?.startsWith("in_") ? AHEAD : DATE_UNITS;
        if (!units.includes(now.unit)) now.unit = "days";
        const done = () => put(now.n && Number.isInteger(now.n) && now.n > 0 && now.n < 10000 ? { ...now } : null);
        if (!row.value) done();
        return [input("number", now.n, t("Length"), (text) => {
          now.n = Number(text);
          done();
        }), choice(units.map((unit) => [unit, this.fields.units[unit] ?? unit]), now.unit, t("Unit"), (unit) => {
          now.unit = unit;
          done();
        })];
      }
      case "options": {
        const chosen = Array.isArray(row.value) ? row.value as string[] : [];
        const options = field.options ?? [];
        if (!options.length) return [input("text", chosen.join(", "), t("Values, separated by commas"), (text) => put(text.split(",").map((part) => part.trim()).filter(Boolean)))];
        if (options.length > 8) return combo(options.map(([name, text]) => [name, text]), chosen, { "data-local": true, "data-many": true }, put);
        const group = h("div", { class: "checks", role: "group", "aria-label": label }, ...options.map(([name, text, hue]) => h("label", {}, h("input", { type: "checkbox", value: name, checked: chosen.includes(name) }), h("span", { class: "chip", "data-hue": hue }, h("span", {}, text)))));
        group.addEventListener("change", () => put([...group.querySelectorAll<HTMLInputElement>("input:checked")].map((box) => box.value)));
        return [group];
      }
      case "user": {
        const now = row.value && typeof row.value === "object" ? "me" : String(row.value ?? "");
        if (!row.value) put({ me: true });
        return [choice([["me", t("me")], ...this.fields.users], now || "me", label, (text) => put(text === "me" ? { me: true } : text))];
      }
      case "users": return combo(this.fields.users, Array.isArray(row.value) ? row.value as string[] : [], { "data-local": true, "data-many": true }, put);
      case "record": {
        const now = typeof row.value === "string" ? row.value : "";
        return combo(now ? [[now, this.titles[now] ?? now.slice(0, 8)]] : [], [now], { "data-modules": field.to ?? "" }, ([id]) => put(id ?? null));
      }
      case "group": {
        const to = field.to ?? "";
        if (!this.fields.modules[to]) return [];
        const group = (row.value && isGroup(row.value as Row | Group) ? row.value : { join: "and", items: [] }) as Group;
        row.value = group;
        return [this.groupView(group, to, 2)];
      }
      default: return [];
    }
  }

  // -- asking --------------------------------------------------------------------------------------------------------

  /** Rows that can be asked already; what is still being filled in is left out. */
  private complete(group: Group): Group {
    const items = group.items.map((item) => {
      if (isGroup(item)) return this.complete(item);
      const value = item.value && typeof item.value === "object" && isGroup(item.value as Row | Group) ? this.complete(item.value as Group) : item.value;
      return { ...item, ...(value === undefined ? {} : { value }) };
    });
    return { join: group.join, items: items.filter((item) => (isGroup(item) ? item.items.length > 0 : ready(item))) };
  }

  private async ask(): Promise<Answer | null> {
    this.request?.abort();
    this.request = new AbortController();
    const query = new URLSearchParams(location.search);
    for (const name of ["f", "f_field", "f_op", "f_value", "filter", "cursor", "more"]) query.delete(name);
    for (const [name, value] of Object.entries(this.own)) query.set(name, value);
    try {
      const found = await api<Answer>("POST", `${this.source}?${query}`, this.asText ? { text: this.text } : { rows: this.complete(this.root) }, {}, this.request.signal);
      this.titles = { ...this.titles, ...found.titles };
      this.told(found);
      return found;
    } catch (error) {
      if ((error as Error).name === "AbortError") return null;
      this.told({ problems: error instanceof ApiError && error.problems.length ? error.problems : [{ path: "", message: (error as Error).message }] });
      return null;
    }
  }

  private told(found: Answer): void {
    this.problem.hidden = !found.problems?.length;
    this.problem.textContent = (found.problems ?? []).map((problem) => `${problem.message} ${problem.hint ?? ""}`.trim()).join(" ");
    const count = found.count?.toLocaleString(document.documentElement.lang);
    this.output.textContent = count === undefined ? "" : found.exact ? t("{count} match", { count }) : t("about {count} match", { count });
  }

  private async apply(): Promise<void> {
    this.applying = true;
    const found = await this.ask();
    this.applying = false;
    if (!found || found.problems?.length) return;
    if (this.taken) return this.taken(found.text ?? "");
    const url = new URL(location.href);
    for (const name of ["f", "f_field", "f_op", "f_value", "filter", "cursor", "more"]) url.searchParams.delete(name);
    for (const [name, value] of Object.entries(this.own)) url.searchParams.set(name, value);
    if (found.text) url.searchParams.set("filter", found.text);
    location.assign(url);
  }
}

function ready(row: Row): boolean {
  if (row.text !== undefined) return row.text.trim() !== "";
  if (!row.field || !row.op) return false;
  if (row.op === "any" || row.op === "none") return true;
  if (row.op === "all") return !!(row.value as Group | undefined)?.items.filter((item) => isGroup(item) || isRow(item)).length;
  return row.op === "is_empty" || row.op === "is_not_empty" || row.value !== undefined;
}

const shown = (value: unknown): string => (value && typeof value === "object" && "number" in value ? String(value.number) : "");

/** A typed number, with a comma or a point, as a value of a row. */
function number(text: string): { number: string } | null {
  const plain = text.replace(/\s/g, "").replace(",", ".");
  return plain ? { number: plain } : null;
}
