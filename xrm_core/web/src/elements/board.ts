// <xrm-board>: cards move between stages by drag, by keyboard (Space, arrows, Space) and by menu; shown at once, taken back on refusal.
import { announce, api, ApiError, csrf, did, h, place, send, t, toast, typing } from "../core.ts";
import { dragging } from "../dragging.ts";
import { pick } from "../picking.ts";

interface Home { cards: HTMLElement; next: Element | null }

export class Board extends HTMLElement {
  private lifted: HTMLElement | null = null;
  private home: Home | null = null;
  private menu?: HTMLElement;
  private watcher?: MutationObserver;

  connectedCallback(): void {
    pick(this);
    this.fold();
    this.watcher = new MutationObserver(() => this.changed());
    this.watcher.observe(this, { childList: true, subtree: true });
    document.addEventListener("xrm:refresh", this);
    if (!this.hasAttribute("data-move")) return;
    dragging(this, { item: ".card:not(.busy)", target: ".lane", into: ".cards", among: ".card", skip: ".move", takes: (card, lane) => !lane.contains(card), drop: (card, lane, _, index) => this.dropped(card, lane, index) });
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>(".move");
      if (button) this.openMenu(button);
    });
    this.addEventListener("focusout", (event) => {
      // A click elsewhere while a card is lifted puts it back.
      if (this.lifted && event.relatedTarget && !this.lifted.contains(event.relatedTarget as Node)) this.cancel();
    });
    this.changed();
  }

  disconnectedCallback(): void {
    this.watcher?.disconnect();
    document.removeEventListener("xrm:refresh", this);
  }

  /** Something was undone elsewhere: show the board as it is now. */
  handleEvent(event: Event): void {
    event.preventDefault();
    void this.reload();
  }

  private changed(): void {
    this.querySelectorAll<HTMLElement>(".fold[hidden]").forEach((button) => { button.hidden = false; });
    this.folded();
    if (!this.hasAttribute("data-move")) return;
    this.querySelectorAll<HTMLElement>(".move[hidden]").forEach((button) => { button.hidden = false; });
  }

  private get memory(): string { return `xrm:fold:${this.dataset.module}:${this.dataset.by}`; }

  private closed(): string[] {
    try {
      return JSON.parse(localStorage.getItem(this.memory) ?? "[]") as string[];
    } catch {
      return [];
    }
  }

  /** Columns fold to a narrow strip; which ones is remembered in this browser. */
  private fold(): void {
    this.addEventListener("click", (event) => {
      const button = (event.target as Element).closest(".fold");
      const name = button?.closest<HTMLElement>(".lane")?.dataset.stage;
      if (name === undefined) return;
      const now = this.closed();
      localStorage.setItem(this.memory, JSON.stringify(now.includes(name) ? now.filter((one) => one !== name) : [...now, name]));
      this.folded();
    });
  }

  private folded(): void {
    const closed = this.closed();
    for (const lane of this.lanes) {
      const is = closed.includes(lane.dataset.stage ?? "");
      if (lane.classList.contains("folded") !== is) lane.classList.toggle("folded", is);
      const button = lane.querySelector(".fold");
      if (button && button.getAttribute("aria-expanded") !== String(!is)) button.setAttribute("aria-expanded", String(!is));
    }
  }

  private async reload(): Promise<void> {
    const focused = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>(".card")?.dataset.id;
    const response = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "xrm-board#results" } });
    if (!response.ok) return location.reload();
    this.innerHTML = await response.text();
    if (focused) focus(this.querySelector<HTMLElement>(`.card[data-id="${CSS.escape(focused)}"]`) ?? undefined);
  }

  /** Counts and sums as the server has them. */
  private async heads(): Promise<void> {
    const url = new URL(location.href);
    url.searchParams.set("heads", "1");
    url.searchParams.set("layout", "board");
    const found = await api<Record<string, [number, string]>>("GET", `${url.pathname}${url.search}`).catch(() => null);
    for (const lane of found ? this.lanes : []) {
      const [number, sum] = found?.[lane.dataset.stage ?? ""] ?? [0, ""];
      lane.dataset.count = String(number);
      lane.querySelector(".count")!.textContent = number.toLocaleString(document.documentElement.lang);
      lane.querySelector(".sum")!.textContent = sum;
    }
  }

  private get lanes(): HTMLElement[] { return [...this.querySelectorAll<HTMLElement>(".lane")]; }

  /** Into the lane at the place of the mark, then as with keys. */
  private dropped(card: HTMLElement, lane: HTMLElement, index: number): void {
    const cards = lane.querySelector<HTMLElement>(".cards")!;
    const home = { cards: card.parentElement!, next: card.nextElementSibling };
    cards.insertBefore(card, cards.querySelectorAll(".card")[index] ?? null);
    void this.move(card, home);
  }

  private key(event: KeyboardEvent): void {
    const card = (event.target as Element).closest<HTMLElement>(".card");
    if (!card || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest(".move")) return;
    const handled = this.lifted ? this.carry(event.key) : this.walk(card, event.key);
    if (handled) event.preventDefault();
  }

  private walk(card: HTMLElement, key: string): boolean {
    if (key === " ") return this.lift(card);
    if (key.toLowerCase() === "m" && document.body.dataset.shortcuts !== "off") {
      this.openMenu(card.querySelector<HTMLElement>(".move")!);
      return true;
    }
    if (/^[1-9]$/.test(key) && document.body.dataset.shortcuts !== "off") {
      const lane = this.lanes[Number(key) - 1];
      if (lane) void this.to(card, lane);
      return true;
    }
    const cards = [...card.closest(".cards")!.querySelectorAll<HTMLElement>(".card")];
    const at = cards.indexOf(card);
    if (key === "ArrowDown" || key === "ArrowUp") return focus(cards[at + (key === "ArrowDown" ? 1 : -1)]);
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const step = (key === "ArrowRight") !== (document.dir === "rtl") ? 1 : -1;
      for (let index = this.laneOf(card) + step; this.lanes[index]; index += step) {
        const there = [...this.lanes[index]!.querySelectorAll<HTMLElement>(".card")];
        if (there.length) return focus(there[Math.min(at, there.length - 1)]);
      }
    }
    return false;
  }

  private laneOf(card: HTMLElement): number {
    return this.lanes.indexOf(card.closest<HTMLElement>(".lane")!);
  }

  private lift(card: HTMLElement): boolean {
    this.lifted = card;
    this.home = { cards: card.parentElement!, next: card.nextElementSibling };
    card.classList.add("lifted");
    announce(t("{title} lifted. Arrow keys choose the stage, Space drops, Escape cancels.", { title: name(card) }));
    return true;
  }

  private carry(key: string): boolean {
    const card = this.lifted!;
    if (key === "Escape") this.cancel();
    else if (key === " " || key === "Enter") {
      const home = this.home!;
      this.drop();
      if (card.parentElement !== home.cards) void this.move(card, home);
      else announce(t("{title} dropped where it was.", { title: name(card) }));
    } else if (key === "ArrowRight" || key === "ArrowLeft") {
      const step = (key === "ArrowRight") !== (document.dir === "rtl") ? 1 : -1;
      const lane = this.lanes[this.laneOf(card) + step];
      if (lane) {
        put(card, lane);
        focus(card);
        announce(t("{title}, {stage}", { title: name(card), stage: lane.dataset.label ?? "" }));
      }
    } else return key.startsWith("Arrow");
    return true;
  }

  private drop(): void {
    this.lifted?.classList.remove("lifted");
    this.lifted = this.home = null;
  }

  private cancel(): void {
    const { lifted, home } = this;
    this.drop();
    if (!lifted || !home) return;
    home.cards.insertBefore(lifted, home.next);
    focus(lifted);
    announce(t("Cancelled. {title} is where it was.", { title: name(lifted) }));
  }

  private openMenu(button: HTMLElement): void {
    const card = button.closest<HTMLElement>(".card")!;
    this.menu?.remove();
    const menu = h("div", { class: "menu", popover: "auto", role: "menu", "aria-label": t("Move to") }, h("div", { class: "head", role: "presentation" }, t("Move to")));
    this.menu = menu;
    this.lanes.forEach((lane, index) => {
      const item = h("button", { type: "button", role: "menuitemradio", "aria-checked": String(lane.contains(card)), tabindex: "-1" }, h("span", { class: "chip", "data-hue": lane.dataset.hue ?? "gray" }, h("span", {}, lane.dataset.label ?? "")), index < 9 && h("kbd", { "aria-hidden": "true" }, String(index + 1)));
      item.addEventListener("click", () => {
        menu.hidePopover();
        void this.to(card, lane);
      });
      menu.append(item);
    });
    menu.addEventListener("keydown", (event) => {
      const items = [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
      const at = items.indexOf(document.activeElement as HTMLElement);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus();
      } else if (/^[1-9]$/.test(event.key)) items[Number(event.key) - 1]?.click();
      event.stopPropagation();
    });
    menu.addEventListener("toggle", (event) => {
      const isOpen = (event as ToggleEvent).newState === "open";
      button.setAttribute("aria-expanded", String(isOpen));
      if (isOpen) return;
      if (menu.contains(document.activeElement) || document.activeElement === document.body) focus(card);
      menu.remove();
    });
    this.closest("main")!.append(menu);
    menu.showPopover();
    place(menu, button, "bottom-end");
    (menu.querySelector<HTMLElement>("[aria-checked=true]") ?? menu.querySelector<HTMLElement>("button"))?.focus();
  }

  /** Move without a drag: the card goes to the top of its new lane. */
  private async to(card: HTMLElement, lane: HTMLElement): Promise<void> {
    if (lane.contains(card)) return;
    const home = { cards: card.parentElement!, next: card.nextElementSibling };
    put(card, lane);
    focus(card);
    await this.move(card, home);
  }

  /** The card is in its new lane already; tell the server, or put it back. */
  private async move(card: HTMLElement, home: Home): Promise<void> {
    const lane = card.closest<HTMLElement>(".lane")!;
    const before = home.cards.closest<HTMLElement>(".lane")!;
    const back = () => {
      home.cards.insertBefore(card, home.next?.parentElement === home.cards ? home.next : null);
      count(before, 1);
      count(lane, -1);
      focus(card);
    };
    count(before, -1);
    count(lane, 1);
    if (lane.dataset.reasons) return this.enter(card, lane, before, back, []);
    card.classList.add("busy");
    try {
      const { data, change } = await this.write(card, lane);
      card.dataset.version = String(data.version);
      this.arrived(card, lane, before, change);
    } catch (error) {
      const problems = (error as ApiError).problems ?? [];
      if ((error as ApiError).status === 422 && problems.length) return this.enter(card, lane, before, back, problems.map((problem) => problem.path.split("/")[1] ?? ""));
      back();
      const stale = (error as ApiError).status === 412 || (error as ApiError).status === 409;
      toast(stale ? t("Someone changed it meanwhile. Reload to see the change.") : (error as Error).message, stale ? { kind: "bad", label: t("Reload"), act: () => location.reload() } : { kind: "bad" });
    } finally {
      card.classList.remove("busy");
    }
  }

  private write(card: HTMLElement, lane: HTMLElement) {
    const record = `/api/v1/records/${this.dataset.module}/${card.dataset.id}`;
    const headers = { "If-Match": `"${card.dataset.version}"` };
    const value = lane.dataset.stage ?? "";
    return this.dataset.by === "stage" ? send<{ version: number }>("POST", `${record}/move`, { stage: value }, headers) : send<{ version: number }>("PATCH", record, { [this.dataset.by ?? ""]: value || null }, headers);
  }

  private arrived(card: HTMLElement, lane: HTMLElement, before: HTMLElement, change: string | null): void {
    announce(t("{title}, {stage}, {at} of {count}", { title: name(card), stage: lane.dataset.label ?? "", at: [...lane.querySelectorAll(".card")].indexOf(card) + 1, count: lane.dataset.count ?? "" }));
    did(t("{title} moved to {stage}", { title: name(card), stage: lane.dataset.label ?? "" }), change, () => {
      put(card, before);
      focus(card);
      void this.heads();
      void this.version(card);
    });
    void this.heads();
  }

  private async version(card: HTMLElement): Promise<void> {
    const found = await api<{ version: number }>("GET", `/api/v1/records/${this.dataset.module}/${card.dataset.id}?fields=version`).catch(() => null);
    if (found) card.dataset.version = String(found.version);
  }

  /** What the column still needs is asked for beside the card; closing puts the card back and nothing was written. */
  private async enter(card: HTMLElement, lane: HTMLElement, before: HTMLElement, back: () => void, fields: string[]): Promise<void> {
    const url = `/m/${this.dataset.module}/${card.dataset.id}/enter`;
    const query = new URLSearchParams({ by: this.dataset.by ?? "stage", value: lane.dataset.stage ?? "", fields: [...new Set(fields)].join(",") });
    const got = await fetch(`${url}?${query}`).catch(() => null);
    if (!got?.ok) {
      back();
      return toast(t("Something went wrong. Nothing was changed."), { kind: "bad" });
    }
    const title = t("{title} to {stage}", { title: name(card), stage: lane.dataset.label ?? "" });
    const body = h("div", { class: "enter-body" });
    const cancel = h("button", { type: "button", class: "btn sm" }, t("Cancel"), h("kbd", { "aria-hidden": "true" }, "Esc"));
    const form = h("form", { class: "enter-form", novalidate: true }, h("h2", { id: "enter-title" }, title), body, h("div", { class: "buttons" }, cancel, h("button", { class: "btn primary sm" }, t("Move"), h("kbd", { "aria-hidden": "true" }, "Ctrl ↵"))));
    const popup = h("div", { popover: "auto", class: "enter", role: "dialog", "aria-labelledby": "enter-title" }, form);
    body.innerHTML = await got.text();
    let done = false;
    const first = () => body.querySelector<HTMLElement>("[aria-invalid=true], input:not([type=hidden]), select:not([hidden]), textarea")?.focus();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void go();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void go();
      if (event.key !== "Escape") event.stopPropagation();
    });
    cancel.addEventListener("click", () => popup.hidePopover());
    popup.addEventListener("toggle", (event) => {
      if (event.target !== popup || (event as ToggleEvent).newState === "open") return;
      popup.remove();
      if (done) return focus(card);
      back();
      announce(t("Cancelled. {title} is where it was.", { title: name(card) }));
    });
    const go = async () => {
      const data = new FormData(form);
      data.set("_by", this.dataset.by ?? "stage");
      data.set("_value", lane.dataset.stage ?? "");
      data.set("version", card.dataset.version ?? "");
      const answer = await fetch(url, { method: "POST", body: data, headers: { "X-CSRF-Token": csrf() } }).catch(() => null);
      if (answer?.ok) {
        const found = await answer.json() as { version: number; change: string | null };
        card.dataset.version = String(found.version);
        done = true;
        popup.hidePopover();
        return this.arrived(card, lane, before, found.change);
      }
      if (answer?.status === 422) body.innerHTML = await answer.text();
      else toast(t(answer ? "Something went wrong. Nothing was changed." : "The server cannot be reached."), { kind: "bad" });
      first();
    };
    this.closest("main")!.append(popup);
    popup.showPopover();
    place(popup, card, "bottom-start");
    first();
  }
}

function name(card: HTMLElement): string {
  return card.querySelector(".title")?.textContent?.trim() ?? "";
}

function focus(card: HTMLElement | undefined): boolean {
  card?.querySelector<HTMLElement>(".title")?.focus();
  card?.scrollIntoView({ block: "nearest", inline: "nearest" });
  return !!card;
}

function put(card: HTMLElement, lane: HTMLElement): void {
  lane.querySelector(".cards")!.prepend(card);
}

function count(lane: HTMLElement, by: number): void {
  const now = Math.max(0, Number(lane.dataset.count ?? "0") + by);
  lane.dataset.count = String(now);
  const shown = lane.querySelector(".count");
  if (shown) shown.textContent = now.toLocaleString(document.documentElement.lang);
}

if (!customElements.get("xrm-board")) customElements.define("xrm-board", Board);
