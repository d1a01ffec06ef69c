// Preload: only the context manager of an OpenTelemetry SDK, in use. On Node 20 it costs every promise of the process.
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
context.with(ROOT_CONTEXT, () => undefined);
