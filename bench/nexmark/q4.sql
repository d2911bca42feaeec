-- Per category, the average of the winning bids.
CREATE VIEW q4 AS
SELECT category, avg(final) AS average
FROM (
    SELECT max(b.price) AS final, a.category
    FROM auction AS a JOIN bid AS b ON a.id = b.auction
    WHERE b.date_time BETWEEN a.date_time AND a.expires
    GROUP BY a.id, a.category
) AS winning
GROUP BY category;

CREATE SINK q4_out FROM q4 WITH (connector = 'blackhole');
