-- Bids with a channel id: of the named channels, or from the url; those without one are dropped.
CREATE VIEW q21 AS
SELECT auction, bidder, price, channel,
    CASE lower(channel)
        WHEN 'apple' THEN '0'
        WHEN 'google' THEN '1'
        WHEN 'facebook' THEN '2'
        WHEN 'baidu' THEN '3'
        ELSE split_part(split_part(url, 'channel_id=', 2), '&', 1)
    END AS channel_id
FROM bid
WHERE url LIKE '%channel\_id=%' OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu');

CREATE SINK q21_out FROM q21 WITH (connector = 'blackhole');
