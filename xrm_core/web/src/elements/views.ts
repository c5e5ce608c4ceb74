// <xrm-views>: the menu of the open view in a popover, V and a digit for the saved views, and how often views are opened.
import { api, h, place, t, toast, typing } from "../core.ts";

export class Views extends HTMLElement {
  private waiting = 0;

  connectedCallback(): void {
    document.addEventListener("click", this.pressed);
    document.addEventListener("keydown", this.key, true);
    this.count();
  }

  disconnectedCallback(): void {
    document.removeEventListener("click", this.pressed);
    document.removeEventListener("keydown", this.key, true);
  }

  private count(): void {
    const key = this.dataset.key;
    if (!key) return;
    try {
      if (sessionStorage.getItem(`xrm:used:${key}`)) return;
      sessionStorage.setItem(`xrm:used:${key}`, "1");
    } catch { return; }
    void api("POST", `/api/v1/views/${encodeURIComponent(key)}/use`).catch(() => undefined);
  }

  private readonly pressed = (event: Event): void => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("[data-view-menu]");
    const mouse = event as MouseEvent;
    if (!link || mouse.ctrlKey || mouse.metaKey) return;
    event.preventDefault();
    void this.menu(link);
  };

  private async menu(link: HTMLAnchorElement): Promise<void> {
    document.getElementById("view-pop")?.remove();
    const pop = h("div", { id: "view-pop", class: "view-pop", popover: "", role: "dialog", "aria-label": link.textContent?.trim() || link.title });
    const url = new URL(link.href);
    url.searchParams.set("q", location.search.slice(1));
    const response = await fetch(url, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } });
    if (!response.ok) return void location.assign(link.href);
    pop.innerHTML = await response.text();
    document.body.append(pop);
    const copy = h("button", { type: "button", class: "btn sm" }, t("Copy link"));
    copy.addEventListener("click", () => void this.copy());
    pop.querySelector(".buttons")?.append(copy);
    const color = pop.querySelector<HTMLFormElement>("form[data-color]");
    color?.addEventListener("submit", () => {
      const when = color.querySelector<HTMLInputElement>("[data-when]")?.value.trim() ?? "";
      color.querySelector<HTMLInputElement>("[name=color]")!.value = when ? `${color.querySelector<HTMLSelectElement>("[data-hue-of]")?.value ?? "red"}~${when}` : "-";
    });
    pop.showPopover();
    place(pop, link, link.dataset.place);
    pop.querySelector<HTMLInputElement>("input:not([type=hidden])")?.select();
    pop.addEventListener("toggle", (event) => { if ((event as ToggleEvent).newState === "closed") link.focus(); });
  }

  private async copy(): Promise<void> {
    const url = new URL(location.href);
    if (!url.searchParams.has("view") && this.dataset.view) url.searchParams.set("view", this.dataset.view);
    try {
      await navigator.clipboard.writeText(String(url));
      toast(t("Link copied"));
    } catch {
      toast(String(url));
    }
  }

  private readonly key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]") || document.body.dataset.shortcuts === "off") return;
    if (this.waiting) {
      clearTimeout(this.waiting);
      this.waiting = 0;
      const tab = /^[1-9]$/.test(event.key) ? document.querySelectorAll<HTMLAnchorElement>("header.top .tabs a.tab")[Number(event.key) - 1] : undefined;
      if (!tab) return;
      event.preventDefault();
      event.stopPropagation();
      tab.click();
    } else if (event.key === "v" && !(event.target as Element).closest(".td:not(:first-child)")) {
      this.waiting = window.setTimeout(() => { this.waiting = 0; }, 1200);
      event.stopPropagation();
    }
  };
}

if (!customElements.get("xrm-views")) customElements.define("xrm-views", Views);
