import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as ownCopy from '@opentelemetry/api';
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';
import { keepRequireHook } from './install.ts';
import type { SharedApi } from './shared-api.ts';
import { VERSION } from './version.ts';

/** Package name of the OpenTelemetry API, of which a process may hold several copies. */
export const API_MODULE = '@opentelemetry/api';

/** Shows every copy of the OpenTelemetry API, loaded already or later, to `shared`. */
export function watchApiCopies(shared: SharedApi, ownVersion: string): void {
  shared.adopt(ownCopy, ownVersion);
  for (const { exports, version } of loadedCopies()) shared.adopt(exports, version);
  const later = new LaterCopies(shared);
  later.enable();
  keepRequireHook(later);
}

class LaterCopies extends InstrumentationBase {
  constructor(shared: SharedApi) {
    super('@spanmeter/instrumentation/api', VERSION, { enabled: false });
    const adopt = (copy: unknown, version = ''): unknown => {
      shared.adopt(copy, version);
      return copy;
    };
    const definition = new InstrumentationNodeModuleDefinition(API_MODULE, ['>=1.0.0 <2'], adopt);
    (this as unknown as { _modules: unknown[] })._modules = [definition];
  }

  protected override init(): undefined {
    return undefined;
  }
}

/** Copies that an earlier preload has required; those it has imported cannot be found. */
function loadedCopies(): { readonly exports: unknown; readonly version: string }[] {
  const { cache } = createRequire(import.meta.url);
  return Object.values(cache).flatMap((module) => {
    const folder = /^(.*[/\\]@opentelemetry[/\\]api)[/\\](build[/\\]src|dist)[/\\]index\.c?js$/.exec(
      module?.filename ?? '',
    )?.[1];
    if (module === undefined || folder === undefined) return [];
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return [{ exports: module.exports as unknown, version }];
  });
}
