/** One set of limits for all ways in. Uploads and waits for events take as long as they take, a client's idle connection is kept for minutes, but a head must come within ten seconds: 408. */
export const httpLimits = {
  requestTimeout: 0,
  keepAliveTimeout: 600_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 1000,
  requireHostHeader: false,
};
