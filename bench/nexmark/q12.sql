-- Per bidder, the bids of ten seconds of append time.
CREATE VIEW q12 AS
SELECT bidder, count(*) AS bid_count, window_start, window_end
FROM tumble(bid, _append_time, INTERVAL '10 seconds')
GROUP BY bidder, window_start, window_end;

CREATE SINK q12_out FROM q12 WITH (connector = 'blackhole');
