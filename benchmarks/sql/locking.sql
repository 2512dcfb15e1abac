-- Just enough of a shop to compare ways to lock: a product with stock, and lines that say what was sold.
CREATE TABLE goods (id bigint PRIMARY KEY, stock bigint NOT NULL CHECK (stock >= 0), version bigint NOT NULL DEFAULT 0)
    WITH (fillfactor = 50);
CREATE TABLE sold (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, good_id bigint NOT NULL
    REFERENCES goods DEFERRABLE INITIALLY DEFERRED);
INSERT INTO goods (id, stock) SELECT n, 1000000000 FROM generate_series(1, 1000) n;
