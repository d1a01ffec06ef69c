import type { MessagePort } from 'node:worker_threads';
import type { FromWorker, QuestionName, Questions, ToWorker } from './messages.ts';

/** An answer that the main thread gave up on, or that came too late. */
const ANSWER_TIMEOUT_MS = 10_000;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The worker's side of the thread boundary: tells, asks, and hands on what it is told. */
export interface MainLink {
  tell(message: FromWorker): void;
  /** Rejects when the main thread failed or gives no answer in 10 s. */
  ask<N extends QuestionName>(name: N, ask: Questions[N]['ask']): Promise<Questions[N]['answer']>;
}

/** Listens on the worker's port; `told` gets every message that is no answer. */
export function createMainLink(
  port: MessagePort,
  told: (message: Exclude<ToWorker, { type: 'answer' }>) => void,
): MainLink {
  const waiting = new Map<number, Waiting>();
  let requests = 0;
  port.on('message', (message: ToWorker) => {
    if (message.type !== 'answer') {
      told(message);
      return;
    }
    const waiter = waiting.get(message.request);
    if (waiter === undefined) return;
    if (message.error === undefined) waiter.resolve(message.value);
    else waiter.reject(new Error(message.error));
  });
  return {
    tell: (message) => port.postMessage(message),
    ask(name, ask) {
      const request = ++requests;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => settle(() => reject(new Error(`the main thread did not answer ${name}`))),
          ANSWER_TIMEOUT_MS,
        );
        const settle = (how: () => void): void => {
          clearTimeout(timer);
          waiting.delete(request);
          how();
        };
        waiting.set(request, {
          resolve: (value) => settle(() => resolve(value as never)),
          reject: (error) => settle(() => reject(error)),
        });
        port.postMessage({ type: 'ask', request, name, ask } satisfies FromWorker);
      });
    },
  };
}
