// <xrm-filter>: builds one condition (field, operator, value) and adds it to the address as f=field~operator~value.
import { h, place, t } from "../core.ts";

type Operator = [name: string, label: string, value: string];
interface FilterField { name: string; label: string; operators: Operator[]; options: [string, string, string][]; modules: string[] }

const SPANS = ["today", "yesterday", "tomorrow", "this_week", "last_week", "next_week", "this_month", "last_month", "next_month", "this_quarter", "last_quarter", "this_year", "last_year", "next_7_days", "next_30_days", "next_90_days", "last_7_days", "last_30_days", "last_90_days"];

export class Filter extends HTMLElement {
  private fields: FilterField[] = [];
  private popup!: HTMLElement;

  connectedCallback(): void {
    const block = this.querySelector("script[type='application/json']");
    const popup = this.querySelector<HTMLElement>("[popover]");
    if (!block || !popup) return;
    this.fields = JSON.parse(block.textContent || "[]") as FilterField[];
    this.popup = popup;
    popup.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState === "open") this.build();
    });
  }

  private build(): void {
    const field = h("select", { class: "input", "aria-label": t("Field") }, ...this.fields.map((item) => h("option", { value: item.name }, item.label)));
    const operator = h("select", { class: "input", "aria-label": t("Condition") });
    const value = h("div", { class: "filter-value" });
    const form = h("form", {}, h("div", { class: "field" }, field), h("div", { class: "field" }, operator), value, h("div", { class: "buttons" }, h("button", { class: "btn primary sm" }, t("Apply"))));
    form.className = "subform";
    const current = () => this.fields.find((item) => item.name === field.value) ?? this.fields[0]!;
    const operators = () => {
      operator.replaceChildren(...current().operators.map(([name, label]) => h("option", { value: name }, label)));
      values();
    };
    const values = () => {
      const chosen = current().operators.find(([name]) => name === operator.value) ?? current().operators[0];
      value.replaceChildren(...widget(current(), chosen?.[2] ?? "none"));
      const button = this.querySelector("[popovertarget]");
      if (button) place(this.popup, button);
    };
    field.addEventListener("change", operators);
    operator.addEventListener("change", values);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply(current().name, operator.value, read(value));
    });
    this.popup.replaceChildren(form);
    operators();
    field.focus();
  }

  private apply(field: string, operator: string, value: string | null): void {
    if (value === null) return;
    const url = new URL(location.href);
    for (const name of ["cursor", "more", "f_field", "f_op", "f_value"]) url.searchParams.delete(name);
    url.searchParams.append("f", value ? `${field}~${operator}~${value}` : `${field}~${operator}`);
    location.assign(url);
  }
}

function widget(field: FilterField, kind: string): Node[] {
  const name = t("Value");
  if (kind === "none") return [];
  if (kind === "options") return [h("div", { class: "checks", role: "group", "aria-label": name }, ...field.options.map(([value, label, hue]) => h("label", {}, h("input", { type: "checkbox", value }), h("span", { class: "chip", "data-hue": hue }, h("span", {}, label)))))];
  if (kind === "boolean") return [h("select", { class: "input", "aria-label": name }, h("option", { value: "true" }, t("Yes")), h("option", { value: "false" }, t("No")))];
  if (kind === "span") return [h("select", { class: "input", "aria-label": name }, ...SPANS.map((span) => h("option", { value: span }, t(span.replaceAll("_", " ")))))];
  if (kind === "record" || kind === "user") {
    const select = h("select", { name: "value" }, h("option", { value: "" }), ...field.options.map(([value, label]) => h("option", { value }, label)));
    if (kind === "user") {
      select.className = "input";
      select.setAttribute("aria-label", name);
      return [select];
    }
    select.id = "filter-record";
    return [h("label", { class: "vh", for: "filter-record" }, name), h("xrm-combobox" as "div", { "data-modules": field.modules.join(" "), "data-label": field.label, "data-poly": field.modules.length > 1 }, select)];
  }
  return [h("input", { class: "input", type: kind === "date" ? "date" : "text", inputmode: kind === "number" ? "decimal" : null, "aria-label": name, required: true })];
}

/** The value as text; null: nothing chosen yet. */
function read(place: HTMLElement): string | null {
  const boxes = [...place.querySelectorAll<HTMLInputElement>("input[type=checkbox]")];
  if (boxes.length) return boxes.filter((box) => box.checked).map((box) => box.value).join(",") || null;
  const control = place.querySelector<HTMLSelectElement | HTMLInputElement>("select") ?? place.querySelector<HTMLInputElement>("input");
  return control ? control.value.trim() || null : "";
}
