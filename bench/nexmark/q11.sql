-- Per bidder, the bids of a session: those that follow each other by no more than ten seconds.
CREATE VIEW q11 AS
SELECT bidder, count(*) AS bid_count, window_start, window_end
FROM session(bid PARTITION BY bidder, date_time, INTERVAL '10 seconds')
GROUP BY bidder, window_start, window_end;

CREATE SINK q11_out FROM q11 WITH (connector = 'blackhole');
