-- What a platform that took every delivered event has in its file, without the envelope's constants.
COPY (
    SELECT json_build_object('specversion', '1.0', 'id', event.id, 'type', 'order.paid.v1', 'subject', order_id::text,
                             'data', json_build_object('order_id', order_id, 'user_id', user_id, 'subtotal', subtotal,
                                                       'discount', discount, 'total', total, 'items', items))
    FROM orders_orderevent event
    JOIN orders_order ON orders_order.id = event.order_id
    JOIN (SELECT order_id, json_agg(json_build_object('product_id', product_id, 'product_name', product_name,
                 'unit_price', unit_price, 'quantity', quantity, 'amount', quantity * unit_price)) AS items
          FROM orders_orderitem GROUP BY 1) line USING (order_id)
    WHERE state = 'delivered'
) TO STDOUT WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
