-- An auction site, live: Nexmark events made by the generator, twenty thousand a second, and views over them.
-- Run it with: make demo

-- One virtual topic holds persons, auctions and bids; each source reads its own kind. Event time goes by ten times as
-- fast as the clock, so windows close while you watch.
CREATE SOURCE person WITH (
    connector = 'generator', kind = 'person', topic = 'nexmark', storage = 'virtual',
    rate = '20000', seed = '42', partitions = '4', events_per_second = '2000', event_time = 'date_time', skew = 'none'
);

CREATE SOURCE auction WITH (
    connector = 'generator', kind = 'auction', topic = 'nexmark', storage = 'virtual',
    rate = '20000', seed = '42', partitions = '4', events_per_second = '2000', event_time = 'date_time', skew = 'none'
);

CREATE SOURCE bid WITH (
    connector = 'generator', kind = 'bid', topic = 'nexmark', storage = 'virtual',
    rate = '20000', seed = '42', partitions = '4', events_per_second = '2000', event_time = 'date_time', skew = 'none'
);

-- Bids and money per channel; only channels that matter.
CREATE MATERIALIZED VIEW channels AS
SELECT channel, count(*) AS bids, count(DISTINCT bidder) AS bidders, max(price) AS highest, avg(price) AS average
FROM bid
WHERE channel IN ('Google', 'Facebook', 'Baidu', 'Apple')
GROUP BY channel;

-- A tumbling window: what happened in each ten seconds of event time. It shows the window so far, while it is open.
CREATE MATERIALIZED VIEW per_window AS
SELECT window_start, window_end, count(*) AS bids, count(DISTINCT auction) AS auctions, sum(price) AS volume
FROM tumble(bid, date_time, INTERVAL '10 seconds')
GROUP BY window_start, window_end;

-- A view on a view: the busiest windows of all.
CREATE MATERIALIZED VIEW busiest_windows AS
SELECT window_start, bids, volume FROM (
    SELECT window_start, bids, volume, row_number() OVER (ORDER BY volume DESC) AS place FROM per_window
) ranked
WHERE place <= 5;

-- A join: auctions with their sellers, in three states.
CREATE MATERIALIZED VIEW local_auctions AS
SELECT a.id, a.item_name, a.category, p.name AS seller, p.city, p.state
FROM auction a JOIN person p ON a.seller = p.id
WHERE p.state IN ('OR', 'ID', 'CA') AND a.category = 10;

-- A view on that join: how many auctions each of these cities has.
CREATE MATERIALIZED VIEW cities AS
SELECT state, city, count(*) AS auctions, count(DISTINCT seller) AS sellers
FROM local_auctions
GROUP BY state, city;

-- A top-n: the three highest bids of each category's auctions.
CREATE MATERIALIZED VIEW top_bids AS
SELECT category, auction, bidder, price, place FROM (
    SELECT a.category, b.auction, b.bidder, b.price,
           row_number() OVER (PARTITION BY a.category ORDER BY b.price DESC) AS place
    FROM bid b JOIN auction a ON b.auction = a.id
    WHERE b.price > 50000000
) ranked
WHERE place <= 3;

-- Who bids most.
CREATE MATERIALIZED VIEW top_bidders AS
SELECT bidder, bids, spent FROM (
    SELECT bidder, bids, spent, row_number() OVER (ORDER BY bids DESC) AS place
    FROM (SELECT bidder, count(*) AS bids, sum(price) AS spent FROM bid GROUP BY bidder) per_bidder
) ranked
WHERE place <= 10;

-- Events of your own, pushed over HTTP and stored in the log: who looks at which auction. `make demo` pushes some all the time.
CREATE TABLE visits (
    id      bigint NOT NULL,
    auction bigint
) WITH (connector = 'http', partitions = 4);

CREATE MATERIALIZED VIEW visited AS
SELECT count(*) AS visits, count(DISTINCT auction) AS auctions FROM visits;
