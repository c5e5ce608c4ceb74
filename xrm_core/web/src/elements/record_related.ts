// Lists around a record: several records are chosen and added in one go; one is taken out with its button.
import { did, h, icon, place, send, t } from "../core.ts";
import { showProblems, type RecordView } from "./record.ts";

/** Choose records and add all of them: one change, one undo. */
export function pick(record: RecordView, button: HTMLElement): void {
  const link = button.closest<HTMLElement>("[data-related]")?.dataset.related ?? "";
  const label = button.dataset.pickLabel ?? "";
  const select = h("select", { id: "pick", multiple: true });
  const box = h("xrm-combobox" as "div", { "data-modules": button.dataset.pick ?? "", "data-label": label, "data-many": true }, select);
  const add = h("button", { class: "btn primary" }, t("Add"), h("kbd", { class: "hide-s", "aria-hidden": "true" }, "Ctrl ↵"));
  const form = h("form", {}, h("h2", { id: "pick-title" }, t("Add {label}", { label })), h("div", { class: "field", "data-field": "ids" }, h("label", { for: "pick" }, t("Search and choose several")), box), h("div", { class: "buttons" }, add));
  const popover = h("div", { class: "stage-ask", popover: "auto", role: "dialog", "aria-labelledby": "pick-title" }, form);
  popover.addEventListener("toggle", (event) => { if ((event as ToggleEvent).newState === "closed") popover.remove(); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const ids = [...select.selectedOptions].map((option) => option.value);
    if (!ids.length) return form.querySelector<HTMLInputElement>("input")?.focus();
    add.disabled = true;
    void send<{ text: string }>("POST", `${record.url}/related/${link}`, { ids }).then(({ data, change }) => {
      popover.hidePopover();
      did(data.text, change, () => void record.reload());
      void record.reload();
    }, (error: Error) => showProblems(form, error)).finally(() => { add.disabled = false; });
  });
  document.body.append(popover);
  popover.showPopover();
  place(popover, button);
  form.querySelector<HTMLInputElement>("input")?.focus();
}

/** The button that takes a record out of its list. */
export function rowsOut(root: ParentNode): void {
  for (const row of root.querySelectorAll<HTMLElement>("[data-unlink] .row:not(:has(.row-out))")) {
    const title = row.querySelector("a.t")?.textContent ?? "";
    const button = h("button", { class: "row-out", type: "button", "aria-label": t("Take out {title}", { title }), title: t("Take out of this list") }, icon("unlink"));
    row.querySelector("[role=rowheader]")?.append(button);
  }
}
