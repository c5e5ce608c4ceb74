// Actions on many rows: what is meant, what it would do, doing it at once or as a job, and one undo for all of it.
import { api, askReason, csrf, did, h, icon, send, t, toast } from "../core.ts";
import { editor, type Editor } from "./grid_editors.ts";
import type { Column } from "./grid_cells.ts";
import type { Grid } from "./grid.ts";

interface Reason { code: string; message: string; count: number; samples: { title: string }[] }
interface Plan { total: number; will_change: number; unchanged: number; skipped: Reason[]; exact: boolean; as_job: boolean }
interface Job { id: string; state: string; total: number; done: number; outcome: { changed?: number; skipped?: Reason[]; problems?: { message: string }[] } }
interface Done { changed?: number; skipped?: Reason[]; change_id: string | null; job?: Job }
type Target = { ids: string[] } | { filter: string };

export class Bulk {
  private readonly grid: Grid;
  private bar: HTMLElement | undefined;
  private all = false;
  private exact: number | undefined;

  constructor(grid: Grid) {
    this.grid = grid;
  }

  /** How many the view has; the page may know it about only. */
  get total(): number { return this.exact ?? Number(this.foot?.dataset.total ?? 0); }
  private get foot(): HTMLElement | null { return this.grid.querySelector<HTMLElement>(".foot"); }
  private get about(): string { return this.exact === undefined && this.foot?.hasAttribute("data-about") ? `${t("about")} ` : ""; }

  /** Select everything that the view finds, counted exactly. */
  private async whole(): Promise<void> {
    try {
      const filter = this.grid.dataset.filter ?? "";
      const found = await api<{ count: { value: number } }>("POST", `/api/v1/records/${this.grid.module}/query`, { ...(filter ? { filter } : {}), fields: ["id"], limit: 1, count: "exact" });
      this.exact = found.count.value;
    } catch (error) {
      return void toast((error as Error).message, { kind: "bad" });
    }
    this.all = true;
    this.draw(this.grid.chosen());
  }

  /** Show how many rows are selected and what can be done with them; nothing when there are none. */
  draw(ids: string[]): void {
    if (!ids.length) {
      this.bar?.remove();
      this.bar = undefined;
      this.all = false;
      this.exact = undefined;
      return;
    }
    const meta = this.grid.meta;
    if (!meta) return void this.grid.load().then(() => this.draw(this.grid.chosen()));
    const page = this.grid.rows.length;
    if (ids.length < page) this.all = false;
    const count = this.all ? t("All {count} in this view are selected", { count: this.number(this.total) }) : t("{count} selected", { count: ids.length });
    const every = !this.all && ids.length === page && this.total > page ? this.button("list-checks", t("Select all {count} in this view", { count: this.about + this.number(this.total) }), () => void this.whole()) : null;
    const stage = meta.columns.find((column) => column.f === "stage");
    const buttons = [
      every,
      meta.edit ? this.button("pencil", t("Set field…"), () => void this.set()) : null,
      meta.edit && stage ? this.button("arrow-right", `${stage.l}…`, () => void this.set(stage)) : null,
      meta.edit ? this.button("user", t("Owner…"), () => void this.set(meta.columns.find((column) => column.f === "owner"))) : null,
      meta.export ? this.button("download", t("Export"), () => this.export()) : null,
      meta.archive ? this.button("archive", t("Archive"), () => void this.confirm({ archive: true }, t("Archive {count} records"), t("Archived"))) : null,
    ];
    const close = h("button", { type: "button", class: "btn sm quiet icon-only", "aria-label": t("Clear the selection"), title: "Esc" }, icon("x"));
    close.addEventListener("click", () => this.grid.choose([]));
    const content = [h("span", { class: "num", role: "status" }, count), ...buttons.filter((one) => one !== null), close];
    if (this.bar?.isConnected) this.bar.replaceChildren(...content);
    else {
      this.bar = h("div", { class: "bulk-bar", role: "toolbar", "aria-label": t("Actions on the selected rows") }, ...content);
      this.grid.append(this.bar);
    }
  }

  private number(value: number): string { return value.toLocaleString(this.grid.meta?.locale); }

  private button(mark: string, label: string, run: () => void): HTMLElement {
    const button = h("button", { type: "button", class: "btn sm", "aria-label": label, title: label }, icon(mark), h("span", {}, label));
    button.addEventListener("click", run);
    return button;
  }

  private target(): Target {
    return this.all ? { filter: this.grid.dataset.filter ?? "" } : { ids: this.grid.chosen() };
  }

  /** Choose a field and its value, or the value of a given field. */
  private async set(given?: Column): Promise<void> {
    const meta = this.grid.meta!;
    const columns = meta.columns.filter((column) => column.f && column.f !== "stage" && column.f !== "owner");
    const first = given ?? columns[0];
    if (!first) return;
    let column = first;
    let input: Editor | undefined;
    const place = h("div", { class: "cell-box" });
    const draw = (): void => {
      input?.close?.();
      input = editor(column, null, null, meta, () => { place.dataset.chosen = ""; shown(); });
      place.replaceChildren(input.element);
      if (input.layer?.matches(".cell-layer")) place.replaceChildren(...input.layer.childNodes);
    };
    const shown = (): void => {
      const value = input?.value();
      const label = place.querySelector<HTMLInputElement>("input[role=combobox]");
      if (!label) return;
      const name = column.w === "link" ? (value as { title?: string } | null)?.title : column.w === "user" ? meta.users.find(([id]) => id === value)?.[1] : column.w === "boolean" ? (value === null ? "" : value ? t("Yes") : t("No")) : column.o?.find((option) => option[0] === value)?.[1];
      label.value = name ?? "";
      place.querySelector<HTMLElement>(".cell-several")?.focus();
      for (const list of dialog.querySelectorAll<HTMLElement>(".cell-list")) list.hidePopover();
    };
    const choose = h("select", { class: "input", id: "bulk-field", "aria-label": t("Field") }, ...columns.map((one) => h("option", { value: one.k }, one.l)));
    choose.addEventListener("change", () => {
      column = columns.find((one) => one.k === choose.value) ?? first;
      draw();
      open();
    });
    const submit = h("button", { class: "btn primary", value: "ok" }, t("Preview"));
    const form = h("form", { method: "dialog" }, h("h2", { id: "bulk-title" }, given ? t("Change {field}", { field: given.l }) : t("Set a field")), given ? null : h("div", { class: "field" }, h("label", { for: "bulk-field" }, t("Field")), choose),
      h("div", { class: "field" }, h("span", { class: "label" }, t("New value")), place), h("div", { class: "buttons" }, h("button", { class: "btn", value: "cancel", formnovalidate: true }, t("Cancel")), submit));
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "bulk-title" }, form);
    const open = (): void => {
      if (input && !input.layer?.matches(".cell-layer")) input.focus();
      else place.querySelector<HTMLElement>("input, textarea")?.focus();
    };
    place.addEventListener("keydown", (event) => {
      if (input?.key?.(event)) event.preventDefault();
      else if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        dialog.close("ok");
      }
    });
    draw();
    this.grid.append(dialog);
    dialog.showModal();
    open();
    const ok = await new Promise<boolean>((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok")));
    const value = input?.value() ?? null;
    input?.close?.();
    dialog.remove();
    if (!ok) return;
    if (column.f === "stage") {
      if (value === null) return;
      const reasons = column.reasons?.[String(value)];
      const reason = reasons?.length ? await askReason(column.o?.find((option) => option[0] === value)?.[1] ?? "", reasons) : undefined;
      if (reason === null) return;
      return this.confirm({ move: { stage: value, ...(reason ? { reason } : {}) } }, t("Change {field} on {count} records", { field: column.l, count: "{count}" }), t("{field} changed", { field: column.l }));
    }
    const stored = column.w === "link" && value ? (value as { id: string }).id : value;
    return this.confirm({ set: { [column.f!]: stored } }, t("Change {field} on {count} records", { field: column.l, count: "{count}" }), t("{field} changed", { field: column.l }));
  }

  /** Say what would happen, then do it. */
  private async confirm(action: object, title: string, what: string): Promise<void> {
    const url = `/api/v1/records/${this.grid.module}/bulk`;
    const body = { ...action, ...this.target() };
    let plan: Plan;
    try {
      plan = await api<Plan>("POST", `${url}?plan=1`, body);
    } catch (error) {
      return void toast((error as Error).message, { kind: "bad" });
    }
    const about = plan.exact ? "" : t("about") + " ";
    const lines = [
      h("p", {}, t("{count} will change.", { count: about + this.number(plan.will_change) })),
      plan.unchanged ? h("p", {}, t("{count} have it already.", { count: about + this.number(plan.unchanged) })) : null,
      ...plan.skipped.map((reason) => h("p", { class: "warn" }, t("{count} will be left out: {reason}", { count: this.number(reason.count), reason: reason.message }), reason.samples.length ? h("span", { class: "hint" }, ` (${reason.samples.slice(0, 3).map((one) => one.title).join(", ")}${reason.count > 3 ? ", …" : ""})`) : null)),
      plan.as_job ? h("p", { class: "hint" }, t("This runs in the background; the page stays usable.")) : null,
    ];
    const submit = h("button", { class: "btn primary", value: "ok" }, title.replace("{count}", this.number(plan.will_change)));
    if (!plan.will_change) submit.disabled = true;
    const form = h("form", { method: "dialog" }, h("h2", { id: "plan-title" }, title.replace("{count}", this.number(plan.total))), h("div", { class: "plan" }, ...lines), h("div", { class: "buttons" }, h("button", { class: "btn", value: "cancel" }, t("Cancel")), submit));
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "plan-title" }, form);
    document.body.append(dialog);
    dialog.showModal();
    (submit.disabled ? form.querySelector("button") : submit)?.focus();
    const ok = await new Promise<boolean>((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok")));
    dialog.remove();
    if (!ok) return;
    try {
      const { data } = await send<Done>("POST", url, body);
      const ended = data.job ? await this.follow(data.job) : undefined;
      const changed = ended ? ended.outcome.changed ?? 0 : data.changed ?? 0;
      const left = (ended?.outcome.skipped ?? data.skipped ?? []).reduce((sum, reason) => sum + reason.count, 0);
      const problem = ended?.outcome.problems?.[0]?.message;
      if (problem) toast(problem, { kind: "bad" });
      else did(left ? t("{what}: {count} records, {left} left out", { what, count: this.number(changed), left: this.number(left) }) : t("{what}: {count} records", { what, count: this.number(changed) }), data.change_id, () => void this.grid.reload());
    } catch (error) {
      toast((error as Error).message, { kind: "bad" });
    }
    this.grid.choose([]);
    await this.grid.reload();
  }

  /** Show how far a job is until it has ended. */
  private async follow(job: Job): Promise<Job> {
    const meter = h("progress", { max: String(job.total), value: "0", "aria-label": t("Progress") });
    const words = h("span", { class: "num", role: "status" }, "0 %");
    const stop = h("button", { type: "button", class: "btn sm" }, t("Stop"));
    stop.addEventListener("click", () => void api("DELETE", `/api/v1/jobs/${job.id}`).catch(() => undefined));
    this.bar?.replaceChildren(words, meter, stop);
    let now = job;
    while (now.state === "waiting" || now.state === "running") {
      await new Promise((resolve) => setTimeout(resolve, 400));
      now = await api<Job>("GET", `/api/v1/jobs/${job.id}`).catch(() => now);
      meter.value = now.done;
      words.textContent = `${Math.floor((now.done / Math.max(1, now.total)) * 100)} %`;
    }
    return now;
  }

  private export(): void {
    const target = this.target();
    const values: Record<string, string> = { _csrf: csrf(), cols: this.grid.keys.join(","), sort: this.grid.dataset.sort ?? "", ...("ids" in target ? { ids: target.ids.join(",") } : { filter: target.filter, all: "1" }) };
    const form = h("form", { method: "post", action: `/m/${this.grid.module}/export`, hidden: true, "data-download": "" }, ...Object.entries(values).map(([name, value]) => h("input", { type: "hidden", name, value })));
    document.body.append(form);
    form.submit();
    form.remove();
  }
}
