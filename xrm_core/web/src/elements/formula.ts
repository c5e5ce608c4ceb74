// Expressions while they are written: their value on a sample record, what is wrong at which character, names and functions to choose from.
import { announce, api, debounce, h, t } from "../core.ts";

interface Tried { ok: boolean; type?: string; value?: unknown; problems: { message: string; hint?: string; column?: number }[]; reads?: { path: string }[] }
interface Offered { names: { name: string; type: string; label?: string; kind: string }[]; functions: { name: string; signature: string; description: string }[] }
interface Choice { name: string; about: string; ending: string }

const offers = new Map<string, Promise<Offered>>();
let count = 0;

interface Manner {
  /** What the text is; by its name a formula or a condition. */
  as?: "formula" | "condition" | "template";
  /** Draft definitions; else what is published. */
  draft?: boolean;
  /** Texts that only the page itself can judge. */
  leave?: RegExp;
}

/** Help in one text area; `module` is whose records it is about, `sample` the id of one. */
export function helpWithFormula(area: HTMLTextAreaElement, module: string, sample: Promise<string | null>, manner: Manner = {}): void {
  count += 1;
  const list = h("ul", { class: "offers", id: `offers-${count}`, role: "listbox", "aria-label": t("Names and functions"), hidden: true });
  const says = h("p", { class: "formula-says", role: "status" });
  area.after(list, says);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  const wanted = manner.as ?? (/formula/.test(area.name) ? "formula" : "condition");
  const draft = manner.draft ?? true;
  let shown: Choice[] = [];
  let active = 0;

  const tryOut = debounce(250, async () => {
    const text = area.value.trim();
    if (!text || manner.leave?.test(text)) return void (says.textContent = "");
    const record = await sample;
    const found = await api<Tried>("POST", "/api/v1/definitions/formula", { module, text, as: wanted, draft, ...(record ? { record } : {}) }).catch(() => null);
    if (!found || area.value.trim() !== text) return;
    const problem = found.problems[0];
    says.classList.toggle("bad", !found.ok);
    const value = found.value === undefined ? "" : ` = ${typeof found.value === "string" ? found.value : JSON.stringify(found.value)}`;
    says.textContent = found.ok ? `${found.type ?? ""}${value}` : problem ? [problem.column ? t("Character {column}:", { column: problem.column }) : "", problem.message, problem.hint ?? ""].join(" ").trim() : "";
  });

  const hide = (): void => {
    list.hidden = true;
    shown = [];
    area.removeAttribute("aria-activedescendant");
  };
  const mark = (): void => {
    [...list.children].forEach((one, index) => one.setAttribute("aria-selected", String(index === active)));
    area.setAttribute("aria-activedescendant", `${list.id}-${active}`);
    list.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const take = (choice: Choice): void => {
    const end = area.selectionStart;
    const start = end - (word(area)?.part.length ?? 0);
    area.setRangeText(choice.name + choice.ending, start, end, "end");
    if (choice.ending === "()") area.selectionEnd = area.selectionStart = area.selectionStart - 1;
    hide();
    void offer();
    tryOut();
  };
  const offer = async (): Promise<void> => {
    const at = word(area);
    if (!at || (manner.as === "template" && !inside(area))) return hide();
    const key = `${module}/${at.path}/${draft}`;
    if (!offers.has(key)) offers.set(key, api<Offered>("GET", `/api/v1/definitions/completion?module=${module}&draft=${draft}&path=${encodeURIComponent(at.path)}`).catch(() => ({ names: [], functions: [] })));
    const found = await offers.get(key)!;
    if (document.activeElement !== area) return hide();
    const wantedPart = at.part.toLowerCase();
    const all: Choice[] = [
      ...found.names.map((one) => ({ name: one.name, about: `${one.label ?? ""} ${one.type}`.trim(), ending: "" })),
      ...found.functions.map((one) => ({ name: one.name, about: one.description, ending: "()" })),
    ];
    shown = all.filter((one) => one.name.startsWith(wantedPart) && one.name !== at.part).slice(0, 8);
    if (!shown.length || (!at.part && !at.path)) return hide();
    active = 0;
    list.replaceChildren(...shown.map((one, index) => {
      const item = h("li", { role: "option", id: `${list.id}-${index}` }, h("b", {}, one.name), h("span", { class: "muted clip" }, one.about));
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        take(one);
      });
      return item;
    }));
    list.hidden = false;
    mark();
    announce(t("{count} choices", { count: shown.length }));
  };

  area.addEventListener("input", () => {
    tryOut();
    void offer();
  });
  area.addEventListener("blur", hide);
  area.addEventListener("keydown", (event) => {
    if (list.hidden || !shown.length) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      active = (active + (event.key === "ArrowDown" ? 1 : shown.length - 1)) % shown.length;
      mark();
    } else if (event.key === "Enter" || event.key === "Tab") {
      event.preventDefault();
      take(shown[active]!);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      hide();
    }
  });
  if (area.value.trim()) tryOut();
}

/** Whether the caret stands between {{ and }}. */
function inside(area: HTMLTextAreaElement): boolean {
  const before = area.value.slice(0, area.selectionStart);
  return before.lastIndexOf("{{") > before.lastIndexOf("}}");
}

/** The word before the caret, and the path of links before it. */
function word(area: HTMLTextAreaElement): { path: string; part: string } | null {
  const before = area.value.slice(0, area.selectionStart);
  const found = /((?:[a-z_][a-z0-9_]*\.)*)([a-z_][a-z0-9_]*)?$/i.exec(before);
  if (!found || /["'][^"']*$/.test(before)) return null;
  return { path: found[1]!.replace(/\.$/, ""), part: found[2] ?? "" };
}
