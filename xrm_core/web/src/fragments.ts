// Parts of pages from the server.
import { ApiError, signInAgain, t } from "./core.ts";

/** A part of a page as HTML of ours; signs in again over the page when the session has ended. */
export async function part(url: string, again = true): Promise<DocumentFragment> {
  let response: Response;
  try {
    response = await fetch(url, { headers: { "HX-Request": "true", "HX-Request-Type": "partial", Accept: "text/html" } });
  } catch {
    throw new ApiError(0, t("The server cannot be reached."));
  }
  if (response.status === 401 && again && await signInAgain()) return part(url, false);
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  if (!response.ok) throw new ApiError(response.status, template.content.querySelector("h1 + p")?.textContent?.trim() || t("Something went wrong."));
  return template.content;
}

/** The text of HTML of ours as nodes. */
export function nodes(html: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}
