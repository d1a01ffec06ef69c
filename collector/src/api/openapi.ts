import { z } from 'zod';
import { byPath, type Route } from './route.ts';

type Schema = Readonly<Record<string, unknown>>;

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A Spanmeter key: `Bearer sm_…`.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'A Spanmeter key: `sm_…`.' },
};

/** The one shape of every error. */
export const ERROR_ANSWER: z.ZodObject = z.object({
  error: z.object({
    code: z.string().describe('Stable, lower_snake_case.'),
    message: z.string(),
    details: z
      .array(z.object({ parameter: z.string(), message: z.string() }))
      .optional()
      .describe('Every fault of the parameters.'),
  }),
});

const ERRORS: Readonly<Record<number, string>> = {
  400: 'A parameter is missing, unknown or not valid; `details` lists every one.',
  401: 'No valid key.',
  403: 'The key may not read this, or not this tenant.',
  404: 'There is nothing of that name.',
  405: 'Another method; the header Allow lists those that are answered.',
  503: 'The database cannot answer now; Retry-After says when to ask again.',
};

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

function parametersOf(query: z.ZodObject): object[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input' });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as { description?: string };
    return { name, in: 'query', required: required.includes(name), description: description ?? '', schema };
  });
}

function bodyOf(body: z.ZodObject): object {
  return { 'application/json': { schema: schemaOf(body, 'input') } };
}

function operationsOf(routes: readonly Route[]): object {
  return Object.fromEntries(
    routes.map((route) => [(route.method ?? 'GET').toLowerCase(), operationOf(route)]),
  );
}

function errorsOf(route: Route): object {
  const codes = Object.entries(ERRORS).filter(([code]) => {
    if (code === '404') return route.path.includes('{');
    return route.access !== 'public' || code === '405';
  });
  return Object.fromEntries(
    codes.map(([code, description]) => [
      code,
      { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
    ]),
  );
}

function pathParametersOf(path: string): object[] {
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function nameOf({ path, method = 'GET' }: Route): string {
  const name = path.replace(/^\/api\/(v1\/)?/, '').replaceAll(/[^a-z0-9]+/g, '_');
  return method === 'GET' ? name : `${method.toLowerCase()}_${name}`;
}

function operationOf(route: Route): object {
  const json = { schema: schemaOf(route.answer, 'output'), example: route.example };
  const csv = route.csv === true ? { 'text/csv': { schema: { type: 'string' } } } : {};
  return {
    summary: route.summary,
    description: route.description,
    operationId: nameOf(route).replace(/_$/, ''),
    // The empty requirement: the default without authentication.
    security: route.access === 'public' ? [] : [{ bearer: [] }, { apiKey: [] }, {}],
    parameters: [...pathParametersOf(route.path), ...parametersOf(route.query)],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: bodyOf(route.body) } }),
    responses: {
      200: { description: 'The answer.', content: { 'application/json': json, ...csv } },
      ...errorsOf(route),
    },
  };
}

/** The OpenAPI 3.1 document of these routes, made from their schemas. */
export function openApiDocument(routes: readonly Route[]): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spanmeter',
      version: '1',
      description: 'What LLM calls cost. Amounts under /api/v1 are exact decimal strings in USD.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: Object.fromEntries([...byPath(routes)].map(([path, group]) => [path, operationsOf(group)])),
    components: {
      schemas: { Error: schemaOf(ERROR_ANSWER, 'output') },
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}
