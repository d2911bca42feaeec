-- Auctions of category 10 by sellers from three states.
CREATE VIEW q3 AS
SELECT p.name, p.city, p.state, a.id
FROM auction AS a JOIN person AS p ON a.seller = p.id
WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA');

CREATE SINK q3_out FROM q3 WITH (connector = 'blackhole');
