-- Per ten seconds, the highest bids.
CREATE VIEW q7 AS
SELECT b.auction, b.price, b.bidder, b.date_time, b.extra
FROM tumble(bid, date_time, INTERVAL '10 seconds') AS b
JOIN (
    SELECT window_start, max(price) AS price
    FROM tumble(bid, date_time, INTERVAL '10 seconds')
    GROUP BY window_start
) AS highest
ON b.window_start = highest.window_start AND b.price = highest.price;

CREATE SINK q7_out FROM q7 WITH (connector = 'blackhole');
