// <xrm-filter>: opens the filter builder (fetched when first needed); Shift+F takes all filters away.
import { place, typing } from "../core.ts";
import type { Builder, State } from "./filter_builder.ts";

export class Filter extends HTMLElement {
  private builder?: Builder;

  connectedCallback(): void {
    const popup = this.querySelector<HTMLElement>("[popover]");
    const button = this.querySelector<HTMLElement>("[popovertarget]");
    if (!popup || !button) return;
    popup.addEventListener("toggle", (event) => {
      const isOpen = (event as ToggleEvent).newState === "open";
      button.setAttribute("aria-expanded", String(isOpen));
      if (isOpen && event.target === popup) void this.open(popup, button);
    });
    document.addEventListener("keydown", this);
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this);
  }

  handleEvent(event: KeyboardEvent): void {
    if (event.key !== "F" || !event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.body.dataset.shortcuts === "off" || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.querySelector<HTMLElement>("[data-clear]")?.click();
  }

  private async open(popup: HTMLElement, button: HTMLElement): Promise<void> {
    if (!this.builder) {
      const { Builder } = await import("./filter_builder.ts");
      const state = JSON.parse(this.querySelector("script[type='application/json']")?.textContent || "{}") as State;
      this.builder = new Builder(popup, this.dataset.source ?? "", state, () => place(popup, button));
    }
    await this.builder.show();
  }
}
