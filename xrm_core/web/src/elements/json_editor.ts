// The JSON of a module in an editor: completion from its schema, and what is wrong at the line where it is.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { linter, lintGutter, lintKeymap, type Diagnostic } from "@codemirror/lint";
import { EditorState, type Text } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import type { SyntaxNode } from "@lezer/common";
import { tags } from "@lezer/highlight";
import { csrf, h, t } from "../core.ts";

interface Schema { [key: string]: unknown; $ref?: string; properties?: Record<string, Schema>; items?: Schema; additionalProperties?: Schema | boolean; anyOf?: Schema[]; oneOf?: Schema[]; allOf?: Schema[]; enum?: unknown[]; const?: unknown; type?: string; description?: string; $defs?: Record<string, Schema> }
interface Wrong { path?: string; line?: number; message: string }

const name = (node: SyntaxNode | null, doc: Text): string => {
  if (!node) return "";
  try { return String(JSON.parse(doc.sliceString(node.from, node.to))); } catch { return ""; }
};
const VALUES = new Set(["Object", "Array", "String", "Number", "True", "False", "Null"]);

/** The values in a list or the one of a property, without brackets, commas and names. */
function values(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let one = node.firstChild; one; one = one.nextSibling) if (VALUES.has(one.name)) found.push(one);
  return found;
}

function member(object: SyntaxNode, key: string, doc: Text): SyntaxNode | null {
  return object.getChildren("Property").find((one) => name(one.getChild("PropertyName"), doc) === key) ?? null;
}

/** Where a pointer leads to in the text; the nearest that is there. */
function placeOf(path: string, state: EditorState): { from: number; to: number } {
  let here: SyntaxNode | null = values(syntaxTree(state).topNode)[0] ?? null;
  let told: SyntaxNode | null = here?.firstChild ?? here;
  for (const step of path.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))) {
    if (here?.name === "Object") {
      const found = member(here, step, state.doc);
      if (!found) break;
      told = found.getChild("PropertyName");
      here = values(found)[0] ?? null;
    } else if (here?.name === "Array") {
      const found: SyntaxNode | undefined = values(here)[Number(step)];
      if (!found) break;
      here = found;
      told = found.name === "Object" ? found.firstChild : found;
    } else break;
  }
  const line = state.doc.lineAt(told?.from ?? 0);
  return { from: told?.from ?? line.from, to: told?.to ?? line.to };
}

/** The names and positions from the top down to a node. */
function pathTo(node: SyntaxNode, doc: Text): (string | number)[] {
  const steps: (string | number)[] = [];
  for (let one: SyntaxNode | null = node; one; one = one.parent) {
    if (one.parent?.name === "Property") steps.unshift(name(one.parent.getChild("PropertyName"), doc));
    else if (one.parent?.name === "Array") steps.unshift(values(one.parent).findIndex((other) => other.from === one!.from));
  }
  return steps;
}

export async function editJson(area: HTMLTextAreaElement, module: string): Promise<void> {
  const schema = await fetch("/design/schemas/module").then((found) => found.ok ? found.json() as Promise<Schema> : {} as Schema).catch((): Schema => ({}));

  const plain = (one: Schema): Schema[] => {
    if (one.$ref) return plain(schema.$defs?.[one.$ref.split("/").pop() ?? ""] ?? {});
    const parts = [...one.anyOf ?? [], ...one.oneOf ?? [], ...one.allOf ?? []];
    return parts.length ? parts.flatMap(plain) : [one];
  };
  /** Of several kinds those that what is written already can be: a field of the type that it says. */
  const fitting = (kinds: Schema[], object: SyntaxNode, doc: Text): Schema[] => {
    const left = kinds.filter((kind) => ["type", "kind"].every((key) => {
      const said = member(object, key, doc);
      const value = said && values(said)[0];
      const wanted = kind.properties?.[key]?.const;
      return !value || wanted === undefined || name(value, doc) === wanted;
    }));
    return left.length ? left : kinds;
  };
  const at = (node: SyntaxNode, doc: Text): Schema[] => {
    const steps = pathTo(node, doc);
    let here = plain(schema);
    let there: SyntaxNode | null = values(syntaxTree(view.state).topNode)[0] ?? null;
    for (const step of steps) {
      if (there?.name === "Object") here = fitting(here, there, doc);
      here = here.flatMap((kind) => {
        const next = typeof step === "number" ? kind.items : kind.properties?.[step] ?? (typeof kind.additionalProperties === "object" ? kind.additionalProperties : undefined);
        return next ? plain(next) : [];
      });
      const found: SyntaxNode | null | undefined = there?.name === "Object" ? member(there, String(step), doc) : there?.name === "Array" ? values(there)[Number(step)] : null;
      there = found?.name === "Property" ? values(found)[0] ?? null : found ?? null;
    }
    return node.name === "Object" ? fitting(here, node, doc) : here;
  };

  const complete = (context: CompletionContext): CompletionResult | null => {
    const { state, pos } = context;
    const around = syntaxTree(state).resolveInner(pos, -1);
    const typed = context.matchBefore(/"?[\w$]*$/);
    if (!context.explicit && !typed?.text) return null;
    const from = typed?.from ?? pos;
    const closed = state.sliceDoc(pos, pos + 1) === '"';
    const quoted = (text: string) => JSON.stringify(text).slice(0, closed ? -1 : undefined);
    const before = state.sliceDoc(Math.max(0, from - 200), from);
    const asksValue = /:\s*$/.test(before);
    const object = (() => {
      for (let one: SyntaxNode | null = around; one; one = one.parent) if (one.name === "Object") return one;
      return null;
    })();
    if (!object) return null;
    const kinds = at(object, state.doc);
    let options: Completion[] = [];
    if (asksValue) {
      const key = /"((?:[^"\\]|\\.)*)"\s*:\s*$/.exec(before)?.[1] ?? "";
      const every = plain({ anyOf: kinds.map((kind) => kind.properties?.[key] ?? {}) });
      const all = key === "type" || key === "kind" ? plain({ anyOf: at(object, state.doc) }).map((kind) => kind.properties?.[key] ?? {}) : every;
      const words = all.flatMap((one) => one.const !== undefined ? [one.const] : one.enum ?? (one.type === "boolean" ? [true, false] : []));
      options = [...new Set(words)].map((word) => ({ label: typeof word === "string" ? quoted(word) : String(word), type: "enum" }));
    } else if (/[{,]\s*$/.test(before)) {
      const taken = new Set(object.getChildren("Property").filter((one) => one.to < from || one.from > pos).map((one) => name(one.getChild("PropertyName"), state.doc)));
      const known = new Map(kinds.flatMap((kind) => Object.entries(kind.properties ?? {})));
      options = [...known].filter(([key]) => !taken.has(key)).map(([key, one]) => ({ label: closed ? quoted(key) : `${JSON.stringify(key)}: `, type: "property", ...(one.description ? { info: one.description } : {}) }));
    }
    return options.length ? { from, options, validFor: /^"?[\w$]*$/ } : null;
  };

  const check = async (shown: EditorView): Promise<Diagnostic[]> => {
    const response = await fetch(`/design/${module}/check`, { method: "POST", body: shown.state.doc.toString(), headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() } }).catch(() => null);
    if (!response?.ok) return [];
    const { problems } = await response.json() as { problems: Wrong[] };
    return problems.map(({ path, line, message }) => {
      const { state } = shown;
      const where = line === undefined ? placeOf(path ?? "", state) : state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
      return { from: where.from, to: where.to, severity: "error", message: path ? `${path}: ${message}` : message } as Diagnostic;
    });
  };

  // Inside a shadow root the editor's styles are adopted sheets, which the Content-Security-Policy allows.
  const host = h("div", { class: "json-editor", "data-editor": true });
  const root = host.attachShadow({ mode: "open" });
  const colours = HighlightStyle.define([
    { tag: tags.propertyName, color: "var(--accent)" }, { tag: tags.string, color: "var(--ok)" },
    { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" }, { tag: tags.invalid, color: "var(--bad)" },
  ]);
  const theme = EditorView.theme({
    "&": { height: "100%", color: "var(--fg)", backgroundColor: "var(--surface)", fontSize: "12px" },
    "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-1px" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
    ".cm-content": { caretColor: "var(--fg)" }, ".cm-cursor": { borderLeftColor: "var(--fg)" },
    ".cm-gutters": { backgroundColor: "var(--surface-2)", color: "var(--fg-2)", border: "none" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
    "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft) !important" },
    ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--fg)", border: "1px solid var(--line)" },
    ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--fg)" },
    ".cm-foldPlaceholder": { backgroundColor: "var(--surface-2)", color: "var(--fg-2)", border: "none" },
  });
  const view: EditorView = new EditorView({
    root, parent: root as unknown as Element, doc: area.value,
    extensions: [
      lineNumbers(), foldGutter(), history(), drawSelection(), bracketMatching(), closeBrackets(), highlightActiveLine(), json(),
      syntaxHighlighting(colours), theme, autocompletion({ override: [complete] }), linter(check, { delay: 400 }), lintGutter(),
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap]),
      EditorView.contentAttributes.of({ "aria-label": t("The module as JSON"), tabindex: "0" }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        area.value = update.state.doc.toString();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
  area.hidden = true;
  area.before(host);
}
