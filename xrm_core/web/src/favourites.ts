// Favourites in the navigation: Alt+F keeps the page one is on, dragging or Alt+arrows puts them in order.
import { announce, api, h, icon, t, toast } from "./core.ts";

interface Favourite { kind: string; target: string; module: string; title?: string }

const list = (): HTMLElement | null => document.getElementById("favourites");

export function wireFavourites(): void {
  const nav = list();
  if (!nav) return;
  nav.addEventListener("keydown", (event) => {
    const item = (event.target as Element).closest("li");
    if (!item || !event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    event.stopPropagation();
    const other = event.key === "ArrowUp" ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (event.key === "ArrowUp") other.before(item);
    else other.after(item);
    item.querySelector("a")?.focus();
    announce(t("{title}, {at} of {count}", { title: item.textContent?.trim() ?? "", at: [...nav.children].indexOf(item) + 1, count: nav.children.length }));
    void save(current());
  });
  let dragged: Element | null = null;
  nav.addEventListener("dragstart", (event) => { dragged = (event.target as Element).closest("li"); });
  nav.addEventListener("dragover", (event) => {
    const over = (event.target as Element).closest("li");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const below = event.clientY > over.getBoundingClientRect().top + over.clientHeight / 2;
    if (below) over.after(dragged);
    else over.before(dragged);
  });
  nav.addEventListener("drop", (event) => event.preventDefault());
  nav.addEventListener("dragend", () => {
    if (dragged) void save(current());
    dragged = null;
  });
}

function current(): Favourite[] {
  return [...(list()?.querySelectorAll<HTMLElement>("a") ?? [])].map((link) => ({ kind: link.dataset.favourite ?? "", target: link.dataset.target ?? "", module: link.dataset.module ?? "", title: link.textContent?.trim() ?? "" }));
}

/** What this page is, as a favourite. */
export function thisPage(): Favourite | null {
  const found = location.pathname.match(/^\/m\/([a-z0-9_]+)(?:\/([0-9a-f-]{36}))?$/);
  if (!found) return null;
  const [, module = "", record] = found;
  const title = document.querySelector("h1")?.textContent?.trim() ?? "";
  if (record) return { kind: "record", target: record, module, title };
  const view = new URLSearchParams(location.search).get("view");
  return view ? { kind: "view", target: /^[0-9a-f-]{36}$/.test(view) ? view : `${module}.${view}`, module, title } : { kind: "module", target: module, module, title };
}

/** Keep the page as a favourite, or no longer. */
export async function toggleFavourite(one = thisPage()): Promise<void> {
  if (!one) return toast(t("Records, lists and views can be favourites."));
  const all = current();
  const same = (other: Favourite) => other.kind === one.kind && other.module === one.module && (other.kind === "module" || other.target === one.target);
  const had = all.some(same);
  await save(had ? all.filter((other) => !same(other)) : [...all, one]);
  toast(had ? t("{title} is no favourite any more", { title: one.title ?? "" }) : t("{title} is a favourite now", { title: one.title ?? "" }), { label: t("Undo"), act: () => void save(all) });
}

async function save(wanted: Favourite[]): Promise<void> {
  try {
    const body = wanted.map(({ kind, target, module }) => ({ kind, target, module }));
    draw((await api<{ data: Favourite[] }>("PUT", "/api/v1/me/favourites", { data: body })).data);
  } catch (error) {
    toast((error as Error).message, { kind: "bad" });
  }
}

function draw(all: Favourite[]): void {
  const nav = list();
  if (!nav) return;
  const focused = (document.activeElement as HTMLElement | null)?.dataset.target;
  nav.replaceChildren(...all.map((one) => {
    const url = one.kind === "record" ? `/m/${one.module}/${one.target}` : one.kind === "view" ? `/m/${one.module}?view=${encodeURIComponent(one.target.includes(".") ? one.target.split(".")[1]! : one.target)}` : `/m/${one.module}`;
    const item = document.querySelector<HTMLElement>(`.side > a.nav-item[href="/m/${one.module}"]`);
    const title = one.kind === "module" ? item?.querySelector("span")?.textContent ?? one.title ?? "" : one.title ?? "";
    const mark = item?.dataset.icon ?? "star";
    return h("li", {}, h("a", { class: "nav-item favourite", href: url, title, "data-favourite": one.kind, "data-target": one.target, "data-module": one.module, "data-icon": mark, draggable: "true" }, icon(mark), h("span", { class: "clip" }, title)));
  }));
  nav.closest<HTMLElement>(".favourites")!.hidden = !all.length;
  if (focused) nav.querySelector<HTMLElement>(`[data-target="${CSS.escape(focused)}"]`)?.focus();
}
