// One load with autocannon, for machines without wrk: what to send comes on standard input as JSON,
// the figures go to standard output.
import autocannon from "autocannon";
import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));
const found = await autocannon({
  url: asked.url,
  connections: asked.connections,
  duration: asked.seconds,
  requests: asked.bodies.map((body) => ({ method: "POST", headers: asked.headers, body })),
});
process.stdout.write(
  JSON.stringify({
    answers: found.requests.total,
    seconds: found.duration,
    p50: found.latency.p50 / 1000,
    p99: found.latency.p99 / 1000,
    errors: found.errors + found.timeouts + found.non2xx,
  }),
);
