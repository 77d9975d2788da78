# The portal: built once, run as the standalone server of Next.js.
#   docker build -f deploy/docker/web.Dockerfile -t hrx-web .
FROM node:22-bookworm-slim AS build
ENV NEXT_TELEMETRY_DISABLED=1 CI=true
WORKDIR /build
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM node:22-bookworm-slim
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 HRX_WEB_HOST=0.0.0.0 HRX_WEB_PORT=8111
WORKDIR /srv/web
COPY --from=build --chown=root:root /build/.next/standalone ./
# `node` of the base image, by number: a place that asks whether it is root cannot look a name up.
USER 1000:1000
EXPOSE 8111
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:8111/web/livez').then(a => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-old-space-size=192", "start.mjs"]
