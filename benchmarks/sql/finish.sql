UPDATE products_product SET units_sold = sold.units
FROM (SELECT product_id, sum(quantity) AS units FROM orders_orderitem GROUP BY 1) sold WHERE id = product_id;

INSERT INTO points_pointaccount (user_id, balance)
SELECT user_id, pg_temp.charged(spent, user_id) - spent FROM spender WHERE spent > 0 ORDER BY user_id;

-- Every third campaign sold out.
UPDATE coupons_coupon SET quantity = issued + CASE WHEN mod(id, 3) = 1 THEN 0 ELSE 1000 END;

SELECT setval(pg_get_serial_sequence(name, 'id'), highest) FROM (
    SELECT 'users_user' AS name, max(id) AS highest FROM users_user
    UNION ALL SELECT 'products_product', max(id) FROM products_product
    UNION ALL SELECT 'coupons_coupon', max(id) FROM coupons_coupon
    UNION ALL SELECT 'coupons_issuedcoupon', max(id) FROM coupons_issuedcoupon
    UNION ALL SELECT 'orders_order', max(id) FROM orders_order
    UNION ALL SELECT 'orders_orderitem', max(id) FROM orders_orderitem
    UNION ALL SELECT 'points_pointtransaction', max(id) FROM points_pointtransaction
) filled;

DROP TABLE hour, spender;
DROP FUNCTION pg_temp.chance, pg_temp.charged;
