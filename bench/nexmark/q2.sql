-- Bids on some auctions.
CREATE VIEW q2 AS
SELECT auction, price FROM bid WHERE auction % 123 = 0;

CREATE SINK q2_out FROM q2 WITH (connector = 'blackhole');
