"""The Nexmark queries of the benchmark in SQLite's SQL, over tables person, auction and bid.

Timestamps are integers of microseconds since 1970. Each gives the rows, and the column types, of the sink of bench/nexmark/<query>.sql.
"""

TEN_SECONDS = 10_000_000

QUERIES = {
    "q0": ("SELECT auction, bidder, price, channel, url, date_time, extra FROM bid",
           ["bigint", "bigint", "bigint", "text", "text", "timestamp", "text"]),
    # price × 0.908 as a numeric: thousandths, exactly.
    "q1": ("SELECT auction, bidder, price * 908, date_time, extra FROM bid",
           ["bigint", "bigint", "numeric:3", "timestamp", "text"]),
    "q2": ("SELECT auction, price FROM bid WHERE auction % 123 = 0", ["bigint", "bigint"]),
    "q3": ("SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id "
           "WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')", ["text", "text", "text", "bigint"]),
    "q7": (f"SELECT b.auction, b.price, b.bidder, b.date_time, b.extra FROM bid b "
           f"JOIN (SELECT date_time / {TEN_SECONDS} AS w, max(price) AS price FROM bid GROUP BY 1) m "
           f"ON b.date_time / {TEN_SECONDS} = m.w AND b.price = m.price", ["bigint", "bigint", "bigint", "timestamp", "text"]),
}
