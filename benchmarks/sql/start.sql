-- Chance that depends on nothing but the seed and a number: random() would follow the plan and the workers.
CREATE FUNCTION pg_temp.chance(n bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(n, %(seed)s * 100 + salt) & 9007199254740991) / 9007199254740992::float8;

-- People charge in steps of 50,000 to 200,000 won, just when an order needs it: what they had charged by the
-- time they had spent so much.
CREATE FUNCTION pg_temp.charged(spent bigint, user_id bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (spent + 50000 * (1 + mod(user_id, 4)) - 1)
       / (50000 * (1 + mod(user_id, 4))) * (50000 * (1 + mod(user_id, 4)));

CREATE TEMP TABLE hour AS
SELECT * FROM unnest(%(moments)s::timestamptz[], %(firsts)s::bigint[], %(counts)s::bigint[])
    WITH ORDINALITY AS hour (starts_at, first, orders, number);

INSERT INTO users_user (id, name, created_at)
SELECT n, '회원 ' || n, %(since)s - interval '1 day' FROM generate_series(1, %(users)s) n;

INSERT INTO products_product (id, name, price, stock, created_at)
SELECT n, '상품 ' || n, 1500 + 100 * floor(300 * pg_temp.chance(n, 1) ^ 2), floor(500 * pg_temp.chance(n, 2)),
       %(since)s - interval '1 day'
FROM generate_series(1, %(products)s) n;

-- Each week has a fixed discount, a share and a capped share. What is issued is counted as it goes on.
INSERT INTO coupons_coupon
    (id, name, discount_type, discount_value, max_discount, quantity, opens_at, closes_at, created_at)
SELECT 3 * week + kind, (week + 1) || '주차 ' || kind, CASE kind WHEN 1 THEN 'fixed' ELSE 'percent' END,
       CASE kind WHEN 1 THEN 3000 WHEN 2 THEN 10 ELSE 50 END, CASE kind WHEN 3 THEN 5000 END, %(orders)s,
       %(since)s + week * interval '7 days' - interval '1 hour', %(since)s + (week + 1) * interval '7 days',
       %(since)s - interval '1 day'
FROM generate_series(0, %(days)s / 7) week, generate_series(1, 3) kind;

-- Half-filled pages leave room for a new version of each row on the same page.
CREATE TEMP TABLE spender WITH (fillfactor = 40) AS
SELECT id AS user_id, 0::bigint AS spent, created_at AS last_at FROM users_user;
CREATE UNIQUE INDEX ON spender (user_id);
ANALYZE hour, spender, users_user, products_product;
