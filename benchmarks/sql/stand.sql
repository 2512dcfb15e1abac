-- Members with points, products with stock: enough of both that no measurement runs out.
INSERT INTO users_user (name) SELECT '회원 ' || n FROM generate_series(1, %(users)s) n;
INSERT INTO products_product (name, price, stock)
    SELECT '상품 ' || n, 100 + n, 1000000000 FROM generate_series(1, %(products)s) n;
INSERT INTO points_pointaccount (user_id, balance) SELECT id, 1000000000000 FROM users_user;
INSERT INTO points_pointtransaction (user_id, type, amount, balance_after)
    SELECT id, 'charge', 1000000000000, 1000000000000 FROM users_user;
INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity, issued)
    VALUES ('모두 받은 쿠폰', 'fixed', 1, %(holders)s, %(holders)s);
INSERT INTO coupons_issuedcoupon (coupon_id, user_id, sequence, name, discount_type, discount_value, expires_at)
    SELECT 1, id, id, '모두 받은 쿠폰', 'fixed', 1, now() + interval '30 days' FROM users_user WHERE id <= %(holders)s;
