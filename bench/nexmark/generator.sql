-- The generator alone: every column of every event.
CREATE SINK bid_out FROM bid WITH (connector = 'blackhole');
CREATE SINK auction_out FROM auction WITH (connector = 'blackhole');
CREATE SINK person_out FROM person WITH (connector = 'blackhole');
