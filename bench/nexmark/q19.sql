-- Per auction, the ten highest bids.
CREATE VIEW q19 AS
SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bid
) AS ranked
WHERE place <= 10;

CREATE SINK q19_out FROM q19 WITH (connector = 'blackhole');
