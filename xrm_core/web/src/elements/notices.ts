// The popover of notifications: the server's list, read and marked without leaving the page.
import { api, t, toast } from "../core.ts";
import { show } from "../live.ts";

/** Open the list at the bell, fresh from the server. */
export async function openNotices(bell: HTMLElement): Promise<void> {
  const popover = document.getElementById("notices")!;
  if (popover.matches(":popover-open")) return popover.hidePopover();
  try {
    await load(popover);
  } catch {
    toast(t("The server cannot be reached."), { kind: "bad" });
    return;
  }
  if (!popover.dataset.wired) wire(popover, bell);
  popover.showPopover();
  const box = bell.getBoundingClientRect();
  const rtl = document.dir === "rtl";
  popover.style.left = `${Math.max(8, Math.min(rtl ? box.left - popover.offsetWidth - 8 : box.right + 8, innerWidth - popover.offsetWidth - 8))}px`;
  popover.style.top = `${Math.max(8, Math.min(box.top, innerHeight - popover.offsetHeight - 8))}px`;
  (popover.querySelector<HTMLElement>("a, button") ?? popover).focus();
}

async function load(popover: HTMLElement): Promise<void> {
  const answer = await fetch("/notifications", { headers: { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#notices" } });
  if (!answer.ok) throw new Error(String(answer.status));
  popover.innerHTML = await answer.text();
}

function wire(popover: HTMLElement, bell: HTMLElement): void {
  popover.dataset.wired = "1";
  popover.tabIndex = -1;
  popover.addEventListener("submit", (event) => {
    event.preventDefault();
    void read(popover, (event.target as HTMLFormElement).querySelector<HTMLInputElement>("[name=id]")?.value);
  });
  popover.addEventListener("click", (event) => {
    const item = (event.target as Element).closest("a")?.closest<HTMLElement>(".notice-item.unread");
    // Opening it is reading it; the page is about to go away.
    if (item) void api("POST", "/api/v1/notifications/read", { ids: [item.dataset.notice] }).catch(() => undefined);
  });
  popover.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" || event.key === "j" ? 1 : event.key === "ArrowUp" || event.key === "k" ? -1 : 0;
    if (!step) return;
    const links = [...popover.querySelectorAll<HTMLElement>(".notice-item a")];
    links[(links.indexOf(document.activeElement as HTMLElement) + step + links.length) % links.length]?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  popover.addEventListener("toggle", (event) => {
    if ((event as ToggleEvent).newState === "closed" && (popover.contains(document.activeElement) || document.activeElement === document.body)) bell.focus();
  });
}

async function read(popover: HTMLElement, id: string | undefined): Promise<void> {
  try {
    const done = await api<{ unread: number }>("POST", "/api/v1/notifications/read", id ? { ids: [id] } : {});
    show(done.unread);
    await load(popover);
    (popover.querySelector<HTMLElement>("a, button") ?? popover).focus();
  } catch (error) {
    toast((error as Error).message, { kind: "bad" });
  }
}
