// Files of a record: attaching several at once, and looking at images, PDF and text without leaving the page.
import { h, icon, send, t, type Sent } from "../core.ts";
import type { Live, RecordView } from "./record.ts";

interface Kept { id: string; name: string; size: number; type: string }

/** Send files and let a field of the record hold them beside those it has. */
export async function attach(record: RecordView, name: string, files: File[]): Promise<Sent<Live>> {
  const body = new FormData();
  body.append(name, "");
  const { data } = await send<Record<string, Kept[] | undefined>>("GET", `/api/v1/records/${record.dataset.module}/${record.dataset.id}?fields=${name}`);
  for (const kept of data[name] ?? []) body.append(`${name}.keep`, JSON.stringify(kept));
  for (const file of files) {
    const one = new FormData();
    one.append("file", file);
    const sent = await send<Kept>("POST", "/api/v1/files", one);
    body.append(`${name}.keep`, JSON.stringify(sent.data));
  }
  return send<Live>("POST", `${record.url}/values/${encodeURIComponent(name)}`, body, { "If-Match": `"${record.version}"` });
}

/** Show a file over the page. */
export function preview(link: HTMLAnchorElement): void {
  const name = link.textContent ?? "";
  const url = link.href;
  const close = h("button", { class: "btn sm square quiet", "aria-label": t("Close"), title: "Esc" }, icon("x"));
  const head = h("form", { method: "dialog", class: "preview-bar" }, h("h2", { id: "preview-title", class: "clip" }, name), h("span", { class: "grow" }), close);
  const box = h("div", { class: "preview-body", tabindex: "0", role: "group", "aria-labelledby": "preview-title" });
  if (link.dataset.preview === "image") box.append(h("img", { src: url, alt: name }));
  else if (link.dataset.preview === "pdf") box.append(h("iframe", { src: url, title: name }));
  else void fetch(url).then((answer) => answer.text()).then((text) => box.append(h("pre", { class: "plain" }, text)), () => box.append(t("The server cannot be reached.")));
  const dialog = h("dialog", { class: "dialog preview", "aria-labelledby": "preview-title" }, head, box);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}
