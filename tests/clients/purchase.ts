/** A purchase by openapi-fetch over the types of openapi-typescript; every branch is decided by typed codes. */
import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

type Conflict = components["schemas"]["OrderConflict"];

const [url, user, coupon, product, scarce] = process.argv.slice(2) as [string, string, string, string, string];
const api = createClient<paths>({ baseUrl: url, headers: { "X-User-Id": user } });
const basket = { items: [{ product_id: Number(product), quantity: 2 }] };

function must<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

/** What a refused order may have instead: the compiler narrows the union by its code. */
function available(problem: Conflict): number {
  switch (problem.code) {
    case "out_of_stock":
      return problem.shortages[0]!.available;
    case "insufficient_points":
      throw new Error(`${problem.required} of ${problem.balance}`);
    case "price_changed":
      throw new Error(`${problem.total}`);
    case "coupon_already_used":
    case "coupon_expired":
      throw new Error(problem.title);
    default:
      return problem satisfies never;
  }
}

const charged = must(await api.POST("/api/v1/points/charges", { body: { amount: 3_000_000_000 } }));
const issued = must(
  await api.POST("/api/v1/coupons/{id}/issue", { params: { path: { id: Number(coupon) } } }),
);
const wanted = { ...basket, issued_coupon_id: issued.id };
const quote = must(await api.POST("/api/v1/orders/quote", { body: wanted }));

const keyed = { params: { header: { "Idempotency-Key": "typescript-1" } }, body: wanted };
const placed = must(await api.POST("/api/v1/orders", keyed));
const again = await api.POST("/api/v1/orders", keyed);

const short = await api.POST("/api/v1/orders", { body: { items: [{ product_id: Number(scarce), quantity: 9 }] } });
if (short.error?.status !== 409) throw new Error("not refused");
const invalid = await api.POST("/api/v1/orders", { body: { items: [{ product_id: Number(product), quantity: 0 }] } });
if (invalid.error?.code !== "invalid") throw new Error("not invalid");

const pages: number[] = [];
for (let cursor: string | undefined = ""; cursor !== undefined; ) {
  const page: components["schemas"]["LedgerEntryPage"] = must(
    await api.GET("/api/v1/points/transactions", {
      params: { query: { page_size: 1, ...(cursor && { cursor }) } },
    }),
  );
  pages.push(...page.results.map((entry) => entry.amount));
  cursor = page.next === null ? undefined : new URL(page.next).searchParams.get("cursor")!;
}
const best = must(await api.GET("/api/v1/rankings/products"));

console.log(
  JSON.stringify({
    charged: charged.balance_after,
    sequence: issued.sequence,
    quoted: quote.total,
    paid: placed.total,
    ordered_at: placed.ordered_at,
    replayed: must(again).id === placed.id && again.response.headers.get("Idempotent-Replayed") === "true",
    available: available(short.error),
    invalid: invalid.error.errors[0]!.pointer,
    pages,
    best: best.results[0]!.units_sold,
  }),
);
