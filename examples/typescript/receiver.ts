/**
 * A data platform's endpoint: it verifies each event, tells repeats apart by id and answers 204.
 *
 *     DATA_PLATFORM_SECRET=whsec_… node receiver.js 8200
 */
import { createServer, type IncomingMessage } from "node:http";

import { Webhook } from "standardwebhooks";

import type { components } from "./schema.js";

const webhook = new Webhook(process.env["DATA_PLATFORM_SECRET"]!);
const MAX_BYTES = 1_000_000; // many times an event; anybody may post
const seen = new Set<string>(); // a real platform keeps these with what it made of the events, in one transaction

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BYTES) throw new Error("too long");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

createServer(async (request, response) => {
  let event: components["schemas"]["OrderPaidEvent"];
  try {
    // Reading fails, too, when the sender hangs up; outside of this block that would end the process.
    event = webhook.verify(await bodyOf(request), request.headers as Record<string, string>) as typeof event;
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
