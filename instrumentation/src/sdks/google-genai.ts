import type { AdapterHost, CallKind, Method, ModuleHook, SdkAdapter } from '../adapter.ts';
import { asObject, holderOf, prototypeAt } from '../json.ts';
import { onResource } from '../resource-getter.ts';
import { carryAttribution } from './google/carried-attribution.ts';
import { EMBED, IMAGES } from './google/gemini-other.ts';
import { GENERATE, GENERATE_STREAM } from './google/gemini.ts';
import { FETCHED_INTERACTION, interactionKind } from './google/interactions.ts';

const VERSIONS = ['>=1.0.0 <4'];

/**
 * The methods that make one request each. The public ones are fields of the instance, made by its constructor, and
 * run through these, also where they call functions and ask again (`@google/genai@3.1 dist/node/index.mjs`).
 */
const MODELS: Readonly<Record<string, CallKind>> = {
  generateContentInternal: GENERATE,
  generateContentStreamInternal: GENERATE_STREAM,
  embedContentInternal: EMBED,
  // The method itself, before version 2.
  embedContent: EMBED,
  generateImagesInternal: IMAGES,
  editImageInternal: IMAGES,
  upscaleImageInternal: IMAGES,
  recontextImage: IMAGES,
};

const METHODS: readonly Method[] = Object.entries(MODELS).map(([name, kind]) => ({
  owner: (moduleExports) => prototypeAt(moduleExports, ['Models']),
  name,
  kind,
}));

/** The class of interactions is not exported; the client makes one when it is first asked. */
function patch(moduleExports: unknown, host: AdapterHost): unknown {
  carryAttribution(moduleExports, host);
  const client = holderOf(prototypeAt(moduleExports, ['GoogleGenAI']), 'interactions');
  if (client !== undefined) {
    onResource(host, client, 'interactions', (resource) => {
      const interactions = holderOf(resource, 'create');
      if (interactions === undefined) return;
      host.wrapMethod(interactions, 'create', (_resource, args) => interactionKind(args));
      for (const name of ['get', 'cancel']) host.wrapMethod(interactions, name, FETCHED_INTERACTION);
    });
  }
  return moduleExports;
}

/** The builds that apps may name themselves; each has classes of its own. */
const BUILDS: readonly ModuleHook[] = ['@google/genai/node', '@google/genai/web'].map((module) => ({
  module,
  versions: VERSIONS,
  patch: (moduleExports, host) => {
    for (const { owner, name, kind } of METHODS) {
      const holder = owner(moduleExports);
      if (holder !== undefined) host.wrapMethod(holder, name, kind);
    }
    return patch(moduleExports, host);
  },
}));

/** A client knows its class and that of its models; the class alone does not know the latter. */
function exportsOf(client: unknown): unknown {
  const models = asObject(asObject(client)?.['models']);
  if (models === undefined || typeof models['generateContentInternal'] !== 'function') return undefined;
  const chats = asObject(asObject(client)?.['chats']);
  return {
    GoogleGenAI: { prototype: Object.getPrototypeOf(client) as unknown },
    ...(chats === undefined ? {} : { Chats: { prototype: Object.getPrototypeOf(chats) as unknown } }),
    Models: { prototype: Object.getPrototypeOf(models) as unknown },
  };
}

/**
 * The `@google/genai` package, for the Gemini Developer API and Vertex AI: content, streamed and not, chats,
 * embeddings, images and interactions.
 */
export const googleGenai: SdkAdapter = {
  module: '@google/genai',
  versions: VERSIONS,
  methods: METHODS,
  patch,
  hooks: BUILDS,
  exportsOf,
  rivals: [
    '@arizeai/openinference-instrumentation-google-genai',
    '@traceloop/instrumentation-google-generativeai',
  ],
};
