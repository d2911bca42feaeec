-- Bids with the value that a side table of ten thousand rows has for their auction.
CREATE VIEW side AS
SELECT key, 'value ' || key AS value FROM generate_series(0, 9999) AS s (key);

CREATE VIEW q13 AS
SELECT b.auction, b.bidder, b.price, b.date_time, s.value
FROM bid AS b JOIN side AS s ON b.auction % 10000 = s.key;

CREATE SINK q13_out FROM q13 WITH (connector = 'blackhole');
