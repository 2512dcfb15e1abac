CREATE TEMP TABLE buyer ON COMMIT DROP AS
SELECT n AS id, least(1 + floor(%(users)s * pg_temp.chance(n, 3) ^ 2), %(users)s)::bigint AS user_id,
       starts_at + (n - first + pg_temp.chance(n, 4)) / hour.orders * interval '1 hour' AS ordered_at
FROM hour, generate_series(first, first + hour.orders - 1) n
WHERE number BETWEEN %(from_hour)s AND %(to_hour)s;

-- The k-th product is wanted 1/k as often as the first. A product drawn twice for one order counts once.
CREATE TEMP TABLE line ON COMMIT DROP AS
SELECT DISTINCT ON (order_id, product_id) order_id, place, product_id, product.name, product.price, quantity
FROM (
    SELECT id AS order_id, place, 1 + floor(3 * pg_temp.chance(8 * id + place, 6) ^ 2) AS quantity,
           least(exp(pg_temp.chance(8 * id + place, 5) * ln(%(products)s + 1))::float8, %(products)s) AS drawn
    FROM buyer, generate_series(0, floor(5 * pg_temp.chance(id, 7))::int) place
) wanted
JOIN products_product product ON product.id = floor(drawn)::bigint
CROSS JOIN LATERAL (SELECT product.id AS product_id) named
ORDER BY order_id, product_id, place;

-- Some take a coupon of the week on their way, once each, and half of them use it at once.
CREATE TEMP TABLE taker ON COMMIT DROP AS
SELECT %(issued)s + row_number() OVER (ORDER BY order_id) AS issued_coupon_id,
       row_number() OVER (PARTITION BY coupon_id ORDER BY order_id) AS place, asked.*
FROM (
    SELECT DISTINCT ON (coupon_id, user_id) id AS order_id, user_id, ordered_at, coupon_id,
           pg_temp.chance(id, 8) < 0.08 AS uses
    FROM (
        SELECT *, 3 * floor(extract(epoch FROM ordered_at - %(since)s) / 604800)::bigint
                  + 1 + floor(3 * pg_temp.chance(id, 9))::bigint AS coupon_id
        FROM buyer WHERE pg_temp.chance(id, 8) < 0.16
    ) wish
    WHERE NOT EXISTS (SELECT FROM coupons_issuedcoupon held
                      WHERE held.coupon_id = wish.coupon_id AND held.user_id = wish.user_id)
    ORDER BY coupon_id, user_id, id
) asked;

CREATE TEMP TABLE bought ON COMMIT DROP AS
SELECT priced.*, subtotal - discount AS total,
       spent + sum(subtotal - discount) OVER so_far::bigint AS spent_after,
       coalesce(lag(ordered_at) OVER so_far, last_at) AS last_at
FROM (
    SELECT buyer.*, subtotal, CASE WHEN uses THEN issued_coupon_id END AS issued_coupon_id,
           CASE WHEN NOT uses OR uses IS NULL THEN 0
                WHEN coupon.discount_type = 'fixed' THEN least(coupon.discount_value, subtotal)
                ELSE least(subtotal * coupon.discount_value / 100, coupon.max_discount) END AS discount
    FROM buyer
    JOIN (SELECT order_id, sum(price * quantity)::bigint AS subtotal FROM line GROUP BY 1) basket
      ON basket.order_id = buyer.id
    LEFT JOIN taker ON taker.order_id = buyer.id
    LEFT JOIN coupons_coupon coupon ON coupon.id = taker.coupon_id
) priced
JOIN spender USING (user_id)
WINDOW so_far AS (PARTITION BY user_id ORDER BY priced.id);

INSERT INTO coupons_issuedcoupon (id, coupon_id, user_id, sequence, name, discount_type, discount_value,
                                  max_discount, issued_at, expires_at, used_at)
SELECT issued_coupon_id, coupon_id, user_id, coupon.issued + place, name, discount_type, discount_value,
       max_discount, ordered_at - interval '1 minute',
       ordered_at - interval '1 minute' + %(coupon_days)s * interval '24 hours', CASE WHEN uses THEN ordered_at END
FROM taker JOIN coupons_coupon coupon ON coupon.id = coupon_id ORDER BY issued_coupon_id;
UPDATE coupons_coupon SET issued = issued + taken.count
FROM (SELECT coupon_id, count(*) FROM taker GROUP BY 1) taken WHERE id = coupon_id;

-- Half of the requests carried an Idempotency-Key.
INSERT INTO orders_order (id, user_id, subtotal, discount, total, issued_coupon_id, balance_after, ordered_at,
                          idempotency_key, request_hash)
SELECT id, user_id, subtotal, discount, total, issued_coupon_id,
       pg_temp.charged(spent_after, user_id) - spent_after, ordered_at,
       CASE WHEN mod(id, 2) = 0 THEN md5('key' || id) END,
       CASE WHEN mod(id, 2) = 0 THEN md5('first' || id) || md5('last' || id) END
FROM bought ORDER BY id;

INSERT INTO orders_orderitem (id, order_id, product_id, product_name, unit_price, quantity)
SELECT %(items)s + row_number() OVER (ORDER BY order_id, place), order_id, product_id, name, price, quantity
FROM line ORDER BY order_id, place;

INSERT INTO points_pointtransaction (id, user_id, type, amount, balance_after, order_id, created_at)
SELECT %(ledger)s + row_number() OVER (ORDER BY id, type), user_id, type, amount, balance_after, order_id, at
FROM (
    SELECT id, user_id, 'charge' AS type, charged - charged_before AS amount,
           charged - (spent_after - total) AS balance_after, NULL::bigint AS order_id,
           greatest(ordered_at - interval '30 seconds', last_at) AS at
    FROM bought
    CROSS JOIN LATERAL (SELECT pg_temp.charged(spent_after, user_id) AS charged,
                               pg_temp.charged(spent_after - total, user_id) AS charged_before) points
    WHERE charged > charged_before
    UNION ALL
    SELECT id, user_id, 'payment', -total, pg_temp.charged(spent_after, user_id) - spent_after, id, ordered_at
    FROM bought WHERE total > 0
) moved ORDER BY id, type;

INSERT INTO orders_orderevent (id, order_id, state, attempts, next_attempt_at, delivered_at)
SELECT md5(%(seed)s || ' event ' || id)::uuid, id, CASE WHEN sent THEN 'delivered' ELSE 'pending' END,
       sent::int, ordered_at, CASE WHEN sent THEN ordered_at + pg_temp.chance(id, 10) * interval '1 second' END
FROM (SELECT *, id <= %(orders)s - %(pending)s AS sent FROM bought) event ORDER BY id;

UPDATE spender SET spent = spent_after, last_at = newest.ordered_at
FROM (SELECT DISTINCT ON (user_id) user_id, spent_after, ordered_at FROM bought ORDER BY user_id, id DESC) newest
WHERE spender.user_id = newest.user_id;

SELECT (SELECT count(*) FROM taker), (SELECT count(*) FROM line),
       (SELECT count(*) FILTER (WHERE total > 0) + count(*) FILTER (
            WHERE pg_temp.charged(spent_after, user_id) > pg_temp.charged(spent_after - total, user_id)) FROM bought);
