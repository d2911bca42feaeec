-- Bids with their day and minute.
CREATE VIEW q10 AS
SELECT auction, bidder, price, date_time, extra, to_char(date_time, 'YYYY-MM-DD') AS day, to_char(date_time, 'HH24:MI') AS minute
FROM bid;

CREATE SINK q10_out FROM q10 WITH (connector = 'blackhole');
