// What others do while the page is open: one stream per visible tab, closed when it is hidden; asked every 20 seconds where there is none.
import { api, h, refresh, t, toast } from "./core.ts";

let source: EventSource | undefined;
let asking = 0;

/** Listen a moment after the page has loaded, so that nothing it needs waits for this. */
export function wireLive(): void {
  if (!document.querySelector(".bell")) return;
  const begin = () => setTimeout(() => { if (!document.hidden) listen(); }, 1500);
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else listen();
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
}

function listen(): void {
  if (source || document.hidden) return;
  clearInterval(asking);
  asking = 0;
  source = new EventSource("/api/v1/stream");
  let before = false;
  source.addEventListener("hello", () => {
    document.documentElement.dataset.live = "on";
    // After a gap: what was told meanwhile is not told again.
    if (before) void unread();
    before = true;
  });
  source.addEventListener("notification", (event) => {
    const told = read<{ id: string; title: string }>(event);
    document.dispatchEvent(new CustomEvent("xrm:notification", { detail: told }));
    toast(told.title, { label: t("Show"), href: "/notifications" });
    void unread();
  });
  source.addEventListener("rows", (event) => rows(read<Record<string, number>>(event)));
  source.addEventListener("job", (event) => document.dispatchEvent(new CustomEvent("xrm:job", { detail: read(event) })));
  source.addEventListener("error", () => {
    delete document.documentElement.dataset.live;
    if (source?.readyState !== EventSource.CLOSED) return;
    stop();
    if (!document.hidden) asking = window.setInterval(() => void unread(), 20_000);
  });
}

function stop(): void {
  source?.close();
  source = undefined;
  clearInterval(asking);
  asking = 0;
  delete document.documentElement.dataset.live;
}

function read<T>(event: Event): T {
  return JSON.parse((event as MessageEvent<string>).data) as T;
}

/** Ask how many notifications are unread, and show it. */
export async function unread(): Promise<void> {
  try {
    show((await api<{ unread: number }>("GET", "/api/v1/notifications/unread")).unread);
  } catch { /* the next news or the next page tells */ }
}

export function show(count: number): void {
  for (const badge of document.querySelectorAll<HTMLElement>(".bell .badge")) {
    badge.hidden = !count;
    badge.querySelector(".n")!.textContent = count > 99 ? "99+" : String(count);
  }
}

let changed = 0;

/** "2 rows changed - show": on the page of a module, unless an element there takes care (prevents `xrm:rows`). */
function rows(found: Record<string, number>): void {
  if (!document.dispatchEvent(new CustomEvent("xrm:rows", { detail: found, cancelable: true }))) return;
  const module = location.pathname.match(/^\/m\/([a-z0-9_]+)$/)?.[1];
  const here = module ? found[module] : location.pathname === "/today" ? Object.values(found).reduce((sum, one) => sum + one, 0) : 0;
  if (!here) return;
  changed += here;
  const text = changed === 1 ? t("1 row changed") : t("{count} rows changed", { count: changed });
  const pill = document.getElementById("changed") ?? h("div", { class: "pill", id: "changed", role: "status" });
  const button = h("button", { class: "btn sm primary", type: "button" }, `${text} · ${t("Show")}`);
  button.addEventListener("click", () => {
    changed = 0;
    pill.remove();
    refresh([]);
  });
  pill.replaceChildren(button);
  if (!pill.isConnected) document.getElementById("main")?.append(pill);
}
