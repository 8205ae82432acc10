import { readFileSync } from 'node:fs';
import { parseSync, Visitor } from 'oxc-parser';

/** One reference of a source file to another module. */
export interface ImportReference {
  /** As written; undefined where the name is computed at run time. */
  readonly specifier: string | undefined;
  /** Types alone: nothing of it is left when the program runs. */
  readonly typeOnly: boolean;
  readonly line: number;
}

interface Named {
  readonly importKind?: string | null;
  readonly exportKind?: string | null;
}

/** Every way in which a TypeScript source names another module, found by parsing it. */
export function importsOf(file: string): ImportReference[] {
  return importsOfText(file, readFileSync(file, 'utf8'));
}

/** The same for a text; the name decides the language. */
export function importsOfText(name: string, text: string): ImportReference[] {
  const { program, errors } = parseSync(name, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${name} cannot be parsed: ${error.message}`);
  const found: ImportReference[] = [];
  const add = (specifier: string | undefined, typeOnly: boolean, { start }: { start: number }): void => {
    found.push({ specifier, typeOnly, line: text.slice(0, start).split('\n').length });
  };

  new Visitor({
    ImportDeclaration(node) {
      const named = node.specifiers as readonly Named[];
      // `import {} from` and `import 'x'` run the module, whatever they name of it.
      add(
        node.source.value,
        isType(node.importKind) || (named.length > 0 && named.every((one) => isType(one.importKind))),
        node,
      );
    },
    ExportNamedDeclaration(node) {
      if (node.source === null) return;
      const named = node.specifiers as readonly Named[];
      add(
        node.source.value,
        isType(node.exportKind) || (named.length > 0 && named.every((one) => isType(one.exportKind))),
        node,
      );
    },
    ExportAllDeclaration(node) {
      add(node.source.value, isType(node.exportKind), node);
    },
    ImportExpression(node) {
      add(literal(node.source), false, node);
    },
    TSImportType(node) {
      add(node.source.value, true, node);
    },
    TSImportEqualsDeclaration(node) {
      if (node.moduleReference.type === 'TSExternalModuleReference') {
        add(node.moduleReference.expression.value, isType(node.importKind), node);
      }
    },
    CallExpression(node) {
      const { callee } = node;
      const called =
        callee.type === 'Identifier'
          ? callee.name
          : callee.type === 'MemberExpression' && 'name' in callee.property
            ? callee.property.name
            : '';
      if (called === 'require' || called === 'getBuiltinModule') add(literal(node.arguments[0]), false, node);
      // Its result loads modules under any name that it is given.
      if (called === 'createRequire') add(undefined, false, node);
    },
  }).visit(program);
  return found;
}

function isType(kind: string | null | undefined): boolean {
  return kind === 'type';
}

function literal(node: { readonly type: string; readonly value?: unknown } | undefined): string | undefined {
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}
