-- Members with points, products with stock: enough of both that no measurement runs out.
INSERT INTO users_user (name) SELECT '회원 ' || n FROM generate_series(1, %(users)s) n;
INSERT INTO products_product (name, price, stock)
    SELECT '상품 ' || n, 100 + n, 1000000000 FROM generate_series(1, %(products)s) n;
INSERT INTO points_pointaccount (user_id, balance) SELECT id, 1000000000000 FROM users_user;
INSERT INTO points_pointtransaction (user_id, type, amount, balance_after)
    SELECT id, 'charge', 1000000000000, 1000000000000 FROM users_user;
INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity, issued)
    SELECT '모두 받은 쿠폰 ' || n, 'fixed', 1, %(holders)s, %(holders)s FROM generate_series(1, %(held)s) n;
INSERT INTO coupons_issuedcoupon (coupon_id, user_id, sequence, name, discount_type, discount_value, expires_at)
    SELECT coupon.id, users_user.id, users_user.id, coupon.name, 'fixed', 1, now() + interval '30 days'
    FROM coupons_coupon coupon, users_user WHERE users_user.id <= %(holders)s ORDER BY 1, 2;
-- The n-th order is that of member (n - 1) mod holders + 1, and its event has been delivered.
SELECT count(floor_order(1 + (n - 1) %% %(holders)s, 1 + n * 7 %% 500, 501 + n * 11 %% 500))
    FROM generate_series(1, %(orders)s) n;
-- Over the days that the best sellers are counted of, and none in the minutes that are counted anew each time.
UPDATE orders_order SET ordered_at = now() - interval '10 minutes' - (%(orders)s - id) * interval '10 seconds';
UPDATE orders_orderevent SET state = 'delivered', attempts = 1, delivered_at = now();
