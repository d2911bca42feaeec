-- The NDJSON job of bench/peers.json: parse, filter, 10-second tumbling windows per item.
CREATE SOURCE events (
    item bigint,
    amount double precision,
    ts timestamp
) WITH (
    connector = 'file', path = '{path}', format = 'json', storage = '{storage}', partitions = 2,
    event_time = 'ts', lateness = '1 second', skew = 'none'
);

CREATE VIEW totals AS
SELECT window_start, item, count(*) AS events, sum(amount) AS total
FROM tumble(events, ts, INTERVAL '10 seconds')
WHERE amount > 10
GROUP BY window_start, item;

CREATE SINK totals_out FROM totals WITH (connector = 'blackhole');
