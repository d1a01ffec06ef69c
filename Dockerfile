# The collector, and a second image with the demo's traffic. Both run as an unprivileged user and need no shell.
ARG NODE=node:24.21.0-bookworm-slim

FROM ${NODE} AS build
WORKDIR /app
# What decides the dependencies comes first, so that a change of code does not install them again.
COPY package.json package-lock.json ./
COPY processors/package.json processors/
COPY instrumentation/package.json instrumentation/
COPY collector/package.json collector/
COPY dashboards/package.json dashboards/
RUN npm ci --no-fund --no-audit
COPY tsconfig.json otel-config.yaml ./
COPY processors processors
COPY instrumentation instrumentation
COPY collector collector
COPY deploy deploy
RUN npx tsc -b processors instrumentation collector

FROM build AS pruned
# Optional packages are the PostgreSQL that travels along where there is no other: here there is one, in its own container.
RUN npm prune --omit=dev --omit=optional --no-fund --no-audit

FROM ${NODE} AS base
ENV NODE_ENV=production SPANMETER_DATA=/var/lib/spanmeter
RUN install -d -o node -g node -m 0700 /var/lib/spanmeter
WORKDIR /app
USER node

# Real SDKs against stand-ins of their providers: needs the packages that only development has.
FROM base AS demo
COPY --from=build /app /app
ENTRYPOINT ["node", "collector/dist/main.js", "demo"]

FROM base AS collector
COPY --from=pruned /app /app
VOLUME /var/lib/spanmeter
EXPOSE 4317 4318 8080 8888 8889 13133
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "deploy/healthy.mjs"]
ENTRYPOINT ["node", "collector/dist/main.js"]
CMD ["start"]
