// For the tests: starts the services of a folder, says where they are, and holds them.
import { startServices } from './services.mjs';

const [dir, tools] = process.argv.slice(2);
const services = await startServices({ dir, tools, durable: true });
process.on('SIGTERM', async () => {
  await services.stop();
  process.exit(0);
});
setInterval(() => {}, 1000);
process.stdout.write(
  `${JSON.stringify({ databaseUrl: services.databaseUrl, redisUrl: services.redisUrl })}\n`,
);
