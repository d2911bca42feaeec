-- Per bidder and auction, the last bid.
CREATE VIEW q18 AS
SELECT auction, bidder, price, channel, url, date_time, extra
FROM (
    SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS place FROM bid
) AS ranked
WHERE place <= 1;

CREATE SINK q18_out FROM q18 WITH (connector = 'blackhole');
