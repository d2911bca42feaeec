-- All bids.
CREATE VIEW q0 AS
SELECT auction, bidder, price, channel, url, date_time, extra FROM bid;

CREATE SINK q0_out FROM q0 WITH (connector = 'blackhole');
