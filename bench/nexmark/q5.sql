-- Per ten seconds, sliding by two, the auctions with the most bids.
CREATE VIEW q5 AS
SELECT counted.auction, counted.num, counted.window_start, counted.window_end
FROM (
    SELECT auction, count(*) AS num, window_start, window_end
    FROM hop(bid, date_time, INTERVAL '2 seconds', INTERVAL '10 seconds')
    GROUP BY auction, window_start, window_end
) AS counted
JOIN (
    SELECT max(num) AS most, window_start, window_end
    FROM (
        SELECT auction, count(*) AS num, window_start, window_end
        FROM hop(bid, date_time, INTERVAL '2 seconds', INTERVAL '10 seconds')
        GROUP BY auction, window_start, window_end
    ) AS counts
    GROUP BY window_start, window_end
) AS highest
ON counted.window_start = highest.window_start AND counted.window_end = highest.window_end AND counted.num >= highest.most;

CREATE SINK q5_out FROM q5 WITH (connector = 'blackhole');
