import * as z from 'zod';
import { compileRegex } from '../rules/regex/matcher.ts';
import { RegexError } from '../rules/regex/parse.ts';
import { OVER_BUDGET, PLACES } from './finder.ts';
import { MAX_PATTERNS } from './limits.ts';
import { SHAPES } from './shapes.ts';
import { compileSpans } from './spans.ts';

/** Names of the patterns that come with the agent. */
export const BUILTIN_PATTERNS: readonly string[] = [...PLACES, ...Object.keys(SHAPES)];

/** An expression, refused with the reason that its compiler gives. */
const expression = (compile: (source: string) => unknown, description: string) =>
  z
    .string()
    .min(1, { error: 'expected a regular expression' })
    .max(4096, { error: 'expected at most 4096 characters' })
    .superRefine((source, context) => {
      try {
        compile(source);
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
        context.addIssue({ code: 'custom', message: error.message, input: source });
      }
    })
    .meta({ description });

const own = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, { error: 'expected letters, digits, ".", "_" and "-", at most 64' })
    .meta({ description: 'Names the pattern where it is counted.' }),
  regex: expression(compileSpans, 'What is redacted: all that the expression finds, in the flavour of rules.'),
});

const exception = z
  .strictObject({
    pattern: z.string().min(1).optional().meta({ description: 'A pattern that is not used, by its name.' }),
    regex: expression(
      (source) => compileRegex(source, { ignoreCase: false, multiline: false, dotAll: false }),
      'A secret in which this is found, or in its name, stays as it is.',
    ).optional(),
  })
  .refine(({ pattern, regex }) => (pattern === undefined) !== (regex === undefined), {
    error: 'expected either "pattern" or "regex"',
  });

/** `redaction`: which secrets do not reach an output. */
export const redactionSchema = z
  .strictObject({
    enabled: z.boolean().default(true).meta({ description: 'Whether secrets are redacted at all.' }),
    patterns: z
      .array(own, { error: (issue) => (issue.input === undefined ? undefined : 'expected a list of patterns') })
      .max(MAX_PATTERNS, { error: `expected at most ${MAX_PATTERNS} patterns` })
      .default([])
      .meta({ description: 'Further patterns.' }),
    except: z
      .array(exception, { error: (issue) => (issue.input === undefined ? undefined : 'expected a list of exceptions') })
      .max(MAX_PATTERNS, { error: `expected at most ${MAX_PATTERNS} exceptions` })
      .default([])
      .meta({ description: 'What is not to be redacted.' }),
  })
  .superRefine(({ patterns, except }, context) => {
    const names = new Set([...BUILTIN_PATTERNS, OVER_BUDGET]);
    for (const [i, { name }] of patterns.entries()) {
      if (names.has(name))
        context.addIssue({
          code: 'custom',
          path: ['patterns', i, 'name'],
          message: 'another pattern has this name',
          input: name,
        });
      names.add(name);
    }
    for (const [i, { pattern }] of except.entries()) {
      if (pattern !== undefined && !names.has(pattern))
        context.addIssue({
          code: 'custom',
          path: ['except', i, 'pattern'],
          message: 'expected the name of a pattern',
          input: pattern,
        });
    }
  });

export type RedactionConfig = z.output<typeof redactionSchema>;
