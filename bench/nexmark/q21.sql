-- Bids with a channel id: of the named channels, or from the url; those without one are dropped.
CREATE VIEW q21 AS
SELECT auction, bidder, price, channel,
    CASE lower(channel)
        WHEN 'apple' THEN '0'
        WHEN 'google' THEN '1'
        WHEN 'facebook' THEN '2'
        WHEN 'baidu' THEN '3'
        ELSE substring(url FROM '&channel_id=([^&]*)')
    END AS channel_id
FROM bid
WHERE substring(url FROM '&channel_id=([^&]*)') IS NOT NULL OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu');

CREATE SINK q21_out FROM q21 WITH (connector = 'blackhole');
