/**
 * A data platform's endpoint: it verifies each event, tells repeats apart by id and answers 204.
 *
 *     DATA_PLATFORM_SECRET=whsec_… node receiver.js 8200
 */
import { createServer } from "node:http";

import { Webhook } from "standardwebhooks";

import type { components } from "./schema.js";

const webhook = new Webhook(process.env["DATA_PLATFORM_SECRET"]!);
const seen = new Set<string>(); // a real platform keeps these with what it made of the events, in one transaction

createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  let event: components["schemas"]["OrderPaidEvent"];
  try {
    event = webhook.verify(body, request.headers as Record<string, string>) as typeof event;
  } catch {
    response.writeHead(401).end();
    return;
  }
  if (!seen.has(event.id)) {
    seen.add(event.id);
    console.log(`order ${event.data.order_id}: ${event.data.total} won`);
  }
  response.writeHead(204).end();
}).listen(Number(process.argv[2]), "127.0.0.1");
