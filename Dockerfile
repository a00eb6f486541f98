# One image for all programs: APP says which (api, scheduler, leases, agent, images).
ARG NODE=node:20-bookworm-slim

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE}
ENV NODE_ENV=production APP=api XENPLANE_DATA=/data MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A named volume takes its owner from the folder that it covers.
RUN install -d -o node -g node -m 0700 /data
USER node
STOPSIGNAL SIGTERM
CMD ["sh", "-c", "exec node \"dist/apps/${APP}/src/main.js\""]
