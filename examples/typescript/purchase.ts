/**
 * Charge points, order a product and read a refusal by its code, with a generated client.
 *
 *     node purchase.js http://127.0.0.1:8000 1
 */
import { randomUUID } from "node:crypto";

import createClient from "openapi-fetch";

import type { paths } from "./schema.js";

const [url, user] = process.argv.slice(2) as [string, string];
const shop = createClient<paths>({ baseUrl: url, headers: { "X-User-Id": user, "Accept-Language": "en" } });

const { data: page } = await shop.GET("/api/v1/products");
const product = page!.results[0]!;
console.log(`${product.name}: ${product.price} won, ${product.stock} left`);

// The same key makes a retry safe: send it again after a time-out or a 503, and it is done once.
const key = () => ({ header: { "Idempotency-Key": randomUUID() } });
await shop.POST("/api/v1/points/charges", { params: key(), body: { amount: 2 * product.price } });

async function order(quantity: number): Promise<void> {
  const body = { items: [{ product_id: product.id, quantity }] };
  const { data, error } = await shop.POST("/api/v1/orders", { params: key(), body });
  if (data) console.log(`order ${data.id}: paid ${data.total} won, ${data.balance_after} left`);
  else if (error.code === "out_of_stock") console.log(`refused: only ${error.shortages[0]!.available} left`);
  else throw new Error(`${error.code}: ${error.detail}`);
}

await order(1);
await order(1_000_000);
