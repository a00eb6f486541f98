/** The page for browsers at the root until the dashboard is served there. */
export const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Xenplane</title></head>
<body><h1>Xenplane</h1><p>This is a XenAPI endpoint: XML-RPC on POST to any path, JSON-RPC on <code>/jsonrpc</code>, health on <code>/health/ready</code>.</p></body></html>
`;
