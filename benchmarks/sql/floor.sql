-- The least that PostgreSQL must do for the same promises: each operation as one function, called by pgbench.
-- It decides nothing that a constraint decides, speaks no HTTP and checks no input.

CREATE FUNCTION floor_order(buyer bigint, product_a bigint, product_b bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    cost bigint;
    balance_left bigint;
    made bigint;
BEGIN
    SELECT sum(price) INTO cost FROM products_product WHERE id IN (product_a, product_b);
    UPDATE points_pointaccount SET balance = balance - cost WHERE user_id = buyer AND balance >= cost
        RETURNING balance INTO STRICT balance_left;
    INSERT INTO orders_order (user_id, subtotal, total, balance_after)
        VALUES (buyer, cost, cost, balance_left) RETURNING id INTO made;
    INSERT INTO orders_orderitem (order_id, product_id, product_name, unit_price, quantity)
        SELECT made, id, name, price, 1 FROM products_product WHERE id IN (product_a, product_b);
    INSERT INTO points_pointtransaction (user_id, type, amount, balance_after, order_id)
        VALUES (buyer, 'payment', -cost, balance_left, made);
    INSERT INTO orders_orderevent (order_id) VALUES (made);
    UPDATE products_product SET stock = stock - 1, units_sold = units_sold + 1
        WHERE id = least(product_a, product_b) AND stock >= 1;
    UPDATE products_product SET stock = stock - 1, units_sold = units_sold + 1
        WHERE id = greatest(product_a, product_b) AND stock >= 1;
    RETURN made;
END $$;

CREATE FUNCTION floor_charge(payer bigint) RETURNS bigint LANGUAGE sql AS $$
    WITH account AS (
        UPDATE points_pointaccount SET balance = balance + 1 WHERE user_id = payer RETURNING balance
    )
    INSERT INTO points_pointtransaction (user_id, type, amount, balance_after)
        SELECT payer, 'charge', 1, balance FROM account RETURNING id
$$;

CREATE SEQUENCE floor_next_user;

CREATE FUNCTION floor_issue(campaign bigint) RETURNS bigint LANGUAGE sql AS $$
    WITH taken AS (
        UPDATE coupons_coupon SET issued = issued + 1 WHERE id = campaign AND issued < quantity RETURNING *
    )
    INSERT INTO coupons_issuedcoupon
        (coupon_id, user_id, sequence, name, discount_type, discount_value, max_discount, expires_at)
    SELECT id, nextval('floor_next_user'), issued, name, discount_type, discount_value, max_discount,
           now() + interval '30 days'
    FROM taken RETURNING id
$$;
