// <xrm-toasts>: messages at the bottom; they stay while the pointer or the focus is on them.
import { h, icon, t, type ToastOptions } from "../core.ts";

const LIFE = 8000;

export class Toasts extends HTMLElement {
  connectedCallback(): void {
    if (this.children.length) {
      this.raise();
      for (const item of [...this.children]) this.expire(item as HTMLElement);
    }
    document.addEventListener("xrm:toast", this);
  }

  disconnectedCallback(): void {
    document.removeEventListener("xrm:toast", this);
  }

  handleEvent(event: CustomEvent<{ text: string } & ToastOptions>): void {
    const { text, kind = "ok", label, act, href } = event.detail;
    const item = h("div", { class: `toast ${kind}` }, icon(kind === "ok" ? "circle-check" : "circle-alert"), h("span", {}, text));
    if (label && href) item.append(h("a", { class: "act", href }, label));
    else if (label && act) {
      const button = h("button", { type: "button" }, label);
      button.addEventListener("click", () => {
        this.close(item);
        act();
      });
      item.append(button);
    }
    const close = h("button", { type: "button", "aria-label": t("Dismiss") }, icon("x"));
    close.addEventListener("click", () => this.close(item));
    item.append(close);
    while (this.children.length > 2) this.firstElementChild?.remove();
    this.append(item);
    this.raise();
    this.expire(item);
  }

  /** Into the top layer, above dialogs that were opened before. */
  private raise(): void {
    if (this.matches(":popover-open")) this.hidePopover();
    this.showPopover();
  }

  private expire(item: HTMLElement): void {
    let timer = window.setTimeout(() => this.close(item), LIFE);
    const hold = () => clearTimeout(timer);
    const release = () => { clearTimeout(timer); timer = window.setTimeout(() => this.close(item), LIFE / 2); };
    item.addEventListener("pointerenter", hold);
    item.addEventListener("focusin", hold);
    item.addEventListener("pointerleave", release);
    item.addEventListener("focusout", release);
  }

  private close(item: HTMLElement): void {
    item.remove();
    if (!this.children.length && this.matches(":popover-open")) this.hidePopover();
  }
}
