// What a cell of the grid holds: its raw value read from the markup, and the markup of a value painted before the server has answered.
import { h, icon, t } from "../core.ts";

export type Option = [name: string, label: string, hue: string, archived?: 1];

/** How one column is written; the keys are short because the file lists all columns of a module. */
export interface Column {
  k: string;
  l: string;
  t: string;
  f?: string;
  w?: string;
  o?: Option[];
  s?: { currency?: string; per?: string[]; units?: string[]; open?: boolean; max?: number; min?: number; max_length?: number };
  m?: string[];
  req?: boolean;
  why?: string;
  clear?: string;
  sort?: boolean;
  group?: boolean;
  agg?: string[];
  reasons?: Record<string, [string, string][]>;
}

export interface Meta {
  module: string;
  label: string;
  plural: string;
  edit: boolean;
  archive: boolean;
  export: boolean;
  locale: string;
  zone: string;
  currency: string;
  users: [id: string, name: string][];
  columns: Column[];
}

export interface Reference { id: string; title: string; module?: string }

const one = <E extends Element = HTMLElement>(cell: Element, selector: string): E | null => cell.querySelector<E>(selector);

/** The text that a cell shows. */
export function shown(cell: Element): string {
  return (one(cell, ":scope > a.t") ?? one(cell, ":scope > .who > :last-child") ?? cell).textContent?.trim() ?? "";
}

/** The name of the option that a chip shows; undefined where two look alike. */
function chosen(chip: HTMLElement | null, column: Column): string | null | undefined {
  if (!chip) return null;
  if (chip.dataset.o !== undefined) return chip.dataset.o;
  const label = chip.textContent?.trim() ?? "";
  const found = (column.o ?? []).filter((option) => option[1] === label && (option[2] || "gray") === chip.dataset.hue);
  return found.length > 1 ? undefined : found[0]?.[0] ?? label;
}

/** The value in the form of the API; undefined when the page does not hold all of it. */
export function raw(cell: Element, column: Column, meta: Meta): unknown {
  if (!shown(cell) && !one(cell, ".stars, .chip, data, time")) return null;
  if (one(cell, "[data-cut]")) return undefined;
  const text = shown(cell);
  switch (column.w) {
    case "boolean": return !!one(cell, ".yes");
    case "number": {
      const found = one<HTMLDataElement>(cell, "data")?.value ?? text;
      return column.t === "integer" ? Number(found) : found;
    }
    case "rating": return cell.querySelectorAll(".icon.on").length;
    case "money": {
      const data = one<HTMLDataElement>(cell, "data");
      return data ? { amount: data.value, currency: data.dataset.c, ...(data.dataset.per ? { per: data.dataset.per } : {}) } : null;
    }
    case "duration": return one<HTMLDataElement>(cell, "data")?.value ?? text;
    case "date":
    case "datetime": return one<HTMLTimeElement>(cell, "time")?.dateTime ?? null;
    case "date_range": {
      const whole = text.split("–");
      const times = [...cell.querySelectorAll("time")].map((time) => time.dateTime);
      return { ...(whole[0]?.includes("…") ? {} : { start: times.shift() }), ...(times.length ? { end: times.shift() } : {}) };
    }
    case "select": return chosen(one(cell, ".chip"), column);
    case "multi_select": {
      const names = [...cell.querySelectorAll<HTMLElement>(".chip")].map((chip) => chosen(chip, column));
      const rest = one(cell, ".more")?.dataset.v;
      return names.includes(undefined) ? undefined : [...names, ...(rest ? rest.split("|") : [])];
    }
    case "user": {
      const who = one(cell, ".who");
      if (!who || who.dataset.u !== undefined) return who?.dataset.u ?? null;
      const found = meta.users.filter(([, name]) => name === text);
      return found.length === 1 ? found[0]?.[0] : undefined;
    }
    case "link": {
      const link = one<HTMLAnchorElement>(cell, "a.ref");
      const id = link?.pathname.split("/").pop();
      return link && id ? { id, title: link.textContent ?? "" } : null;
    }
    case "email":
    case "phone":
    case "url": {
      const href = one<HTMLAnchorElement>(cell, "a.ref")?.getAttribute("href") ?? text;
      return column.w === "url" ? href : href.replace(/^(mailto|tel):/, "");
    }
    case "address": return one(cell, "[title]")?.title ?? text;
    case "textarea":
    case "markdown": return undefined;
    default: return text === "—" ? null : text;
  }
}

export const empty = (value: unknown): boolean => value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);

/** The value as it goes into a spreadsheet, or into the text of an editor. */
export function text(value: unknown, column: Column, meta: Meta): string {
  if (empty(value)) return "";
  switch (column.w ?? column.t) {
    case "boolean": return value ? t("Yes") : t("No");
    case "money": {
      const money = value as { amount: string; currency?: string; per?: string };
      return `${plain(money.amount, meta)} ${money.currency ?? ""}${money.per ? `/${money.per}` : ""}`;
    }
    case "number": return plain(String(value), meta);
    case "datetime": return local(String(value), meta.zone).replace("T", " ");
    case "date_range": {
      const range = value as { start?: string; end?: string };
      return `${range.start ?? ""} – ${range.end ?? ""}`;
    }
    case "select":
    case "stage": return label(column, String(value));
    case "multi_select": return (value as string[]).map((name) => label(column, name)).join(" | ");
    case "user": return meta.users.find(([id]) => id === value)?.[1] ?? "";
    case "link": return (value as Reference).title;
    default: return String(value);
  }
}

const label = (column: Column, name: string): string => column.o?.find((option) => option[0] === name)?.[1] ?? name;

const marks = (locale: string): [string, string] => {
  const parts = new Intl.NumberFormat(locale).formatToParts(12345.6);
  return [parts.find((part) => part.type === "group")?.value ?? "", parts.find((part) => part.type === "decimal")?.value ?? "."];
};

/** A stored number as people of the language write it, without grouping. */
export const plain = (number: string, meta: Meta): string => number.replace(".", marks(meta.locale)[1]);

/** What people wrote as a number in stored form; what is none stays as it is, so that the server says what is wrong. */
export function number(written: string, meta: Meta): string {
  const [group, decimal] = marks(meta.locale);
  const bare = written.trim().replaceAll(group || "\u0000", "").replace(/[\s\u202f\u00a0'’]/g, "").replace(decimal, ".").replace("−", "-");
  return /^[-+]?\d*\.?\d+$/.test(bare) ? bare.replace(/^\+/, "").replace(/^(-?)\./, "$10.") : written.trim();
}

/** The clock in a time zone at a moment, as an input of the browser has it. */
export function local(instant: string, zone: string): string {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).format(new Date(instant));
  return parts.replace(" ", "T");
}

/** The moment at which the clock of a time zone shows this. */
export function instant(clock: string, zone: string): string {
  const wanted = Date.parse(`${clock}:00Z`);
  let at = wanted;
  for (let i = 0; i < 2; i++) at += wanted - Date.parse(`${local(new Date(at).toISOString(), zone)}:00Z`);
  return new Date(at).toISOString();
}

export function chip(column: Column, name: string): HTMLElement {
  const option = column.o?.find((found) => found[0] === name);
  return h("span", { class: "chip", "data-hue": option?.[2] ?? "gray", "data-o": name }, h("span", {}, option?.[1] ?? name));
}

/** Show a value at once; the server's own form of it comes later and looks the same. */
export function paint(cell: HTMLElement, column: Column, value: unknown, meta: Meta): void {
  const link = one(cell, ":scope > a.t");
  if (link) {
    link.textContent = text(value, column, meta) || "—";
    return;
  }
  cell.replaceChildren(...(empty(value) ? [] : [picture(column, value, meta)]));
}

function picture(column: Column, value: unknown, meta: Meta): Node {
  const words = text(value, column, meta);
  switch (column.w) {
    case "select": return chip(column, String(value));
    case "multi_select": {
      const names = value as string[];
      const rest = names.slice(2);
      return h("span", { class: "chips" }, ...names.slice(0, 2).map((name) => chip(column, name)), rest.length ? h("span", { class: "more", "data-v": rest.join("|") }, `+${rest.length}`) : null);
    }
    case "boolean": return h("span", { class: value ? "yes who" : "no who" }, icon(value ? "check" : "minus"), h("span", {}, words));
    case "user": return h("span", { class: "who", "data-u": String(value) }, h("span", { class: "avatar", "data-hue": "gray", "aria-hidden": "true" }, words.split(/\s+/).map((word) => word[0]).slice(0, 2).join("")), h("span", { class: "clip" }, words));
    case "link": {
      const target = value as Reference;
      return h("a", { class: "ref", href: `/m/${target.module ?? column.m?.[0]}/${target.id}`, tabindex: "-1" }, target.title);
    }
    case "rating": {
      const stars = h("span", { class: "stars" });
      for (let i = 1; i <= (column.s?.max ?? 5); i++) {
        const star = icon("star");
        star.classList.add(i <= Number(value) ? "on" : "off");
        stars.append(star);
      }
      return stars;
    }
    case "date": return h("time", { datetime: String(value) }, new Date(`${String(value)}T12:00:00Z`).toLocaleDateString(meta.locale, { timeZone: "UTC", month: "short", day: "numeric", year: "numeric" }));
    case "number": {
      const amount = Number(value);
      return h("data", { value: String(value) }, Number.isNaN(amount) ? words : new Intl.NumberFormat(meta.locale, { maximumFractionDigits: 10 }).format(amount) + (column.t === "percent" ? " %" : ""));
    }
    case "money": {
      const { amount, currency, per } = value as { amount: string; currency: string; per?: string };
      let shape = words;
      try {
        shape = new Intl.NumberFormat(meta.locale, { style: "currency", currency, minimumFractionDigits: Number(amount) % 1 ? 2 : 0 }).format(Number(amount)) + (per ? ` / ${t(per)}` : "");
      } catch { /* the server says what is wrong with it */ }
      return h("data", { value: amount, "data-c": currency, "data-per": per }, shape);
    }
    default: return h("span", {}, words);
  }
}
