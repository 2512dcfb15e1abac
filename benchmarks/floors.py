"""What pgbench sends in place of each scenario: the same writes, or the least query that could answer."""

MEMBER = "\\set u random(1, 100000)\n"
# Somebody with a history, and an order of theirs.
REGULAR = "\\set o random(1, 21000)\n\\set u 1 + (:o - 1) % 1000\n"
OTHER = "\\set b random(501, 1000)\n"
PRODUCTS = "SELECT id, name, price, stock, created_at FROM products_product"
ORDERS = (
    "SELECT o.id, subtotal, discount, total, issued_coupon_id, balance_after, ordered_at,"
    " product_id, product_name, unit_price, quantity FROM orders_order o"
    " JOIN orders_orderitem ON order_id = o.id"
)
REFUSED = (
    "SELECT quantity - issued,"
    " EXISTS (SELECT FROM coupons_issuedcoupon WHERE coupon_id = :coupon AND user_id = :u)"
    " FROM coupons_coupon WHERE id = :coupon;"
)
WRITES = {
    "orders": f"{MEMBER}{OTHER}\\set a random(1, 500)\nSELECT floor_order(:u, :a, :b);",
    "orders-hot": f"{MEMBER}{OTHER}SELECT floor_order(:u, 1, :b);",
    "charges": f"{MEMBER}SELECT floor_charge(:u);",
    "charges-one": "SELECT floor_charge(1);",
    "issues": "SELECT floor_issue(:coupon);",
}
READS = {
    "issues-sold-out": f"{MEMBER}{REFUSED}",
    "issues-again": f"{MEMBER}{REFUSED}",
    "product": f"\\set a random(1, 1000)\n{PRODUCTS} WHERE id = :a;",
    "products": f"{PRODUCTS} ORDER BY id LIMIT 21;",
    "balance": f"{REGULAR}SELECT balance FROM points_pointaccount WHERE user_id = :u;",
    "order": f"{REGULAR}{ORDERS} WHERE o.id = :o AND user_id = :u;",
    "orders-page": (
        f"{REGULAR}{ORDERS} WHERE o.id IN"
        " (SELECT id FROM orders_order WHERE user_id = :u ORDER BY ordered_at DESC, id DESC LIMIT 21);"
    ),
    "ledger": f"{REGULAR}SELECT * FROM points_pointtransaction WHERE user_id = :u ORDER BY id DESC LIMIT 21;",
    "issued-coupons": (
        f"{REGULAR}SELECT * FROM coupons_issuedcoupon WHERE user_id = :u ORDER BY id DESC LIMIT 21;"
    ),
    "coupons": "SELECT * FROM coupons_coupon ORDER BY id LIMIT 21;",
    "ranking": (
        "SELECT product_id, name, price, stock, units, amount FROM rankings_productsales"
        " JOIN products_product ON id = product_id ORDER BY units DESC, product_id LIMIT 5;"
    ),
}
