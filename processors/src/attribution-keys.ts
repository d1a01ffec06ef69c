/** Where a dimension is read from: span attributes in order, then resource attributes in order. */
export interface DimensionKeys {
  readonly span: readonly string[];
  readonly resource: readonly string[];
}

export type Dimension =
  | 'tenant'
  | 'teamId'
  | 'team'
  | 'user'
  | 'session'
  | 'conversation'
  | 'feature'
  | 'agent'
  | 'environment'
  | 'service'
  | 'namespace';

/**
 * Keys of the dimensions that any language can set, then names of other tools in the order of how explicit
 * they are. A span says more about one call than its resource does, so it goes first.
 */
export const ATTRIBUTION_KEYS: Readonly<Record<Dimension, DimensionKeys>> = {
  tenant: { span: ['tenant.id'], resource: ['tenant.id'] },
  teamId: { span: ['team.id'], resource: ['team.id'] },
  team: { span: ['team', 'litellm.team.id'], resource: ['team'] },
  user: {
    span: [
      'user.id',
      'enduser.id',
      'enduser.pseudo.id',
      'langfuse.user.id',
      'traceloop.association.properties.user_id',
      'ai.telemetry.metadata.userId',
      'litellm.end_user.id',
      'llm.user',
      'user.account_id',
    ],
    resource: ['user.id', 'enduser.id'],
  },
  session: {
    span: [
      'session.id',
      'langfuse.session.id',
      'traceloop.association.properties.session_id',
      'ai.telemetry.metadata.sessionId',
      'langsmith.trace.session_id',
      'gcp.vertex.agent.session_id',
      'anthropic.session.id',
    ],
    resource: ['session.id'],
  },
  conversation: { span: ['gen_ai.conversation.id', 'conversation.id'], resource: [] },
  feature: {
    span: ['spanmeter.feature', 'feature', 'ai.telemetry.functionId'],
    resource: ['spanmeter.feature'],
  },
  agent: { span: ['gen_ai.agent.name', 'agent.name'], resource: ['gen_ai.agent.name'] },
  environment: {
    span: ['deployment.environment.name', 'langfuse.environment'],
    resource: ['deployment.environment.name', 'deployment.environment', 'langfuse.environment'],
  },
  service: { span: [], resource: ['service.name'] },
  namespace: { span: [], resource: ['service.namespace'] },
};
