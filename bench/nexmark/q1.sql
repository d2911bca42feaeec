-- Bids with the price in euros.
CREATE VIEW q1 AS
SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid;

CREATE SINK q1_out FROM q1 WITH (connector = 'blackhole');
