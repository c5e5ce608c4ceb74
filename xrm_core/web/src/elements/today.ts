// <xrm-today>: working off the queue by keys or buttons: done, tomorrow, next week, open; each can be undone.
import { announce, did, refresh, send, t, toast, type ApiError } from "../core.ts";

const AWAY = "xrm:away";

export class Today extends HTMLElement {
  connectedCallback(): void {
    for (const buttons of this.querySelectorAll<HTMLElement>(".do")) buttons.hidden = false;
    const away = put_away(this.dataset.today ?? "");
    for (const item of this.items()) if (away[key(item)]) this.take(item);
    this.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>("[data-do]");
      const item = button?.closest<HTMLElement>(".task");
      if (button && item) void this.act(item, button.dataset.do === "done" ? "done" : "tomorrow");
    });
    document.addEventListener("keydown", (event) => this.key(event));
    this.items()[0]?.querySelector<HTMLElement>(".name")?.focus({ preventScroll: true });
  }

  private items(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>(".task")];
  }

  private key(event: KeyboardEvent): void {
    const item = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("xrm-today .task");
    if (!item || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || document.body.dataset.shortcuts === "off") return;
    const pressed = event.key.toLowerCase();
    if (pressed !== "e" && pressed !== "s") return;
    event.preventDefault();
    void this.act(item, pressed === "e" ? "done" : event.shiftKey ? "week" : "tomorrow");
  }

  private async act(item: HTMLElement, what: "done" | "tomorrow" | "week"): Promise<void> {
    const title = item.querySelector(".name")?.textContent?.trim() ?? "";
    const values = item.dataset[what];
    if (!values && what === "done") return announce(t("There is nothing to mark as done here. Enter opens it."));
    // Where it stood, as long as it stands there.
    const kept = key(item);
    const back = this.take(item);
    if (!values) {
      // Nothing about the record changes: only this browser stops showing it today.
      keep_away(this.dataset.today ?? "", kept, true);
      toast(t("{title} is hidden until tomorrow", { title }), { label: t("Undo"), act: () => {
        keep_away(this.dataset.today ?? "", kept, false);
        back();
      } });
      return;
    }
    const text = what === "done" ? t("{title} is done", { title }) : what === "tomorrow" ? t("{title} is put off until tomorrow", { title }) : t("{title} is put off for a week", { title });
    try {
      const sent = await send<{ version: number }>("PATCH", `/api/v1/records/${item.dataset.module}/${item.dataset.id}`, JSON.parse(values), { "If-Match": `"${item.dataset.version}"` });
      item.dataset.version = String(sent.data.version);
      did(text, sent.change, () => {
        // Undoing is a change too, which makes a version.
        item.dataset.version = String(sent.data.version + 1);
        back();
      });
    } catch (error) {
      back();
      const stale = (error as ApiError).status === 412 || (error as ApiError).status === 409;
      toast(stale ? t("Someone changed it meanwhile. Reload to see the change.") : (error as Error).message, stale ? { kind: "bad", label: t("Reload"), act: () => location.reload() } : { kind: "bad" });
    }
  }

  /** Take an item off the page, the focus going on; gives the way back. */
  private take(item: HTMLElement): () => void {
    const list = item.parentElement!;
    const all = this.items();
    const next = all[all.indexOf(item) + 1] ?? all[all.indexOf(item) - 1];
    const after = item.nextElementSibling;
    const had = item.contains(document.activeElement);
    item.remove();
    this.count(list, -1);
    if (had) next?.querySelector<HTMLElement>(".name")?.focus();
    return () => {
      list.insertBefore(item, after?.parentElement === list ? after : null);
      this.count(list, 1);
      item.querySelector<HTMLElement>(".name")?.focus();
    };
  }

  private count(list: HTMLElement, by: number): void {
    const section = list.closest<HTMLElement>(".work")!;
    const shown = section.querySelector<HTMLElement>("[data-count]");
    const now = Math.max(0, Number(shown?.dataset.count ?? "0") + by);
    if (shown) {
      shown.dataset.count = String(now);
      shown.textContent = now.toLocaleString(document.documentElement.lang);
    }
    section.hidden = !list.children.length && !now;
    const nothing = this.querySelector<HTMLElement>(".nothing");
    const left = this.items().length;
    if (nothing) nothing.hidden = left > 0 || [...this.querySelectorAll<HTMLElement>(".work")].some((one) => !one.hidden);
    // The rest of a long list comes when what was shown of it is done.
    if (!list.children.length && now && by < 0) refresh([]);
  }
}

function key(item: HTMLElement): string {
  return `${item.closest(".work")?.getAttribute("aria-labelledby")}:${item.dataset.id}`;
}

function put_away(day: string): Record<string, string> {
  try {
    const kept = JSON.parse(localStorage.getItem(AWAY) ?? "{}") as Record<string, string>;
    return Object.fromEntries(Object.entries(kept).filter(([, until]) => until === day));
  } catch {
    return {};
  }
}

function keep_away(day: string, item: string, on: boolean): void {
  const kept = put_away(day);
  if (on) kept[item] = day;
  else delete kept[item];
  try {
    localStorage.setItem(AWAY, JSON.stringify(kept));
  } catch { /* storage is off: it is there again on the next visit */ }
}

if (!customElements.get("xrm-today")) customElements.define("xrm-today", Today);
