-- Per seller and closed auction, the average of the seller's last ten closing prices.
CREATE VIEW q6 AS
SELECT seller, id, avg(price) OVER (
    PARTITION BY seller ORDER BY bid_date_time, id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW
) AS average
FROM (
    SELECT a.id, a.seller, b.price, b.date_time AS bid_date_time,
        row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time ASC) AS place
    FROM auction AS a JOIN bid AS b ON a.id = b.auction
    WHERE b.date_time BETWEEN a.date_time AND a.expires
) AS ranked
WHERE place <= 1;

CREATE SINK q6_out FROM q6 WITH (connector = 'blackhole');
