"""The Nexmark queries of the benchmark in SQLite's SQL, over tables person, auction and bid.

Timestamps are integers of microseconds since 1970. Each gives the rows, and the column types, of the sink of bench/nexmark/<query>.sql.
q12 is missing: its windows are of append time, which the events in SQLite do not have. Functions that SQLite lacks are below.
"""

import re

SECOND = 1_000_000
TEN_SECONDS = 10 * SECOND
TEXTS = "auction, bidder, price, channel, url, date_time, extra"
BID = ["bigint", "bigint", "bigint", "text", "text", "timestamp", "text"]
DAY = f"strftime('%Y-%m-%d', date_time / {SECOND}, 'unixepoch')"
BANDS = [("", "1"), ("rank1", "price < 10000"), ("rank2", "price >= 10000 AND price < 1000000"), ("rank3", "price >= 1000000")]
BID_COUNTS = ", ".join(f"count(*) FILTER (WHERE {condition})" for _, condition in BANDS)
DISTINCT_COUNTS = ", ".join(f"count(DISTINCT {column}) FILTER (WHERE {condition})" for column in ("bidder", "auction") for _, condition in BANDS)
WINNERS = ("SELECT a.*, b.auction, b.bidder, b.price, b.date_time AS bid_time, b.extra AS bid_extra, "
           "row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time) AS place "
           "FROM auction a JOIN bid b ON a.id = b.auction WHERE b.date_time BETWEEN a.date_time AND a.expires")
HOP_COUNTS = (f"SELECT auction, count(*) AS num, date_time / {2 * SECOND} * {2 * SECOND} - slide * {2 * SECOND} AS w FROM bid "
              "JOIN (SELECT column1 AS slide FROM (VALUES (0), (1), (2), (3), (4))) GROUP BY 1, 3")


def average(total, count):
    """PostgreSQL's sum / count of integers as `mantissa/scale`: at least 16 significant digits (numeric.c, select_div_scale), half away from 0."""
    if count == 0:
        return None

    def leading(number):
        digits = str(abs(number))
        weight = (len(digits) - 1) // 4
        return weight, int(digits[:len(digits) - 4 * weight])

    (weight1, first1), (weight2, first2) = leading(total), leading(count)
    scale = max(16 - 4 * (weight1 - weight2 - (first1 <= first2)), 0)
    quotient, rest = divmod(abs(total) * 10 ** scale, count)
    quotient += 2 * rest >= count
    return f"{-quotient if total < 0 else quotient}/{scale}"


def channel_id(url):
    found = re.search("&channel_id=([^&]*)", url)
    return found.group(1) if found else None


def split_part(text, delimiter, number):
    parts = text.split(delimiter)
    return parts[number - 1] if number <= len(parts) else ""


FUNCTIONS = [average, channel_id, split_part]

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
    "q4": (f"SELECT category, average(sum(final), count(final)) FROM (SELECT max(b.price) AS final, a.category FROM auction a "
           "JOIN bid b ON a.id = b.auction WHERE b.date_time BETWEEN a.date_time AND a.expires GROUP BY a.id, a.category) GROUP BY category",
           ["bigint", "average"]),
    "q5": (f"WITH counts AS ({HOP_COUNTS}) SELECT auction, num, w, w + {TEN_SECONDS} FROM counts "
           "JOIN (SELECT w, max(num) AS most FROM counts GROUP BY w) USING (w) WHERE num >= most",
           ["bigint", "bigint", "timestamp", "timestamp"]),
    "q6": (f"SELECT seller, id, average(sum(price) OVER last, count(price) OVER last) FROM ({WINNERS}) WHERE place <= 1 "
           "WINDOW last AS (PARTITION BY seller ORDER BY bid_time, id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)",
           ["bigint", "bigint", "average"]),
    "q8": (f"SELECT p.id, p.name, p.w FROM (SELECT DISTINCT id, name, date_time / {TEN_SECONDS} * {TEN_SECONDS} AS w FROM person) p "
           f"JOIN (SELECT DISTINCT seller, date_time / {TEN_SECONDS} * {TEN_SECONDS} AS w FROM auction) a ON p.id = a.seller AND p.w = a.w",
           ["bigint", "text", "timestamp"]),
    "q9": ("SELECT id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra, "
           f"auction, bidder, price, bid_time, bid_extra FROM ({WINNERS}) WHERE place <= 1",
           ["bigint", "text", "text", "bigint", "bigint", "timestamp", "timestamp", "bigint", "bigint", "text", "bigint", "bigint",
            "bigint", "timestamp", "text"]),
    "q10": (f"SELECT auction, bidder, price, date_time, extra, {DAY}, strftime('%H:%M', date_time / {SECOND}, 'unixepoch') FROM bid",
            ["bigint", "bigint", "bigint", "timestamp", "text", "text", "text"]),
    "q11": (f"SELECT bidder, count(*), min(date_time), max(date_time) + {TEN_SECONDS} FROM (SELECT bidder, date_time, sum(is_first) OVER "
            "(PARTITION BY bidder ORDER BY date_time) AS session FROM (SELECT bidder, date_time, coalesce(date_time - lag(date_time) OVER "
            f"(PARTITION BY bidder ORDER BY date_time) > {TEN_SECONDS}, 1) AS is_first FROM bid)) GROUP BY bidder, session",
            ["bigint", "bigint", "timestamp", "timestamp"]),
    "q13": ("SELECT auction, bidder, price, date_time, 'value ' || (auction % 10000) FROM bid",
            ["bigint", "bigint", "bigint", "timestamp", "text"]),
    "q14": ("SELECT auction, bidder, price * 908, CASE WHEN hour BETWEEN 8 AND 18 THEN 'dayTime' WHEN hour <= 6 OR hour >= 20 THEN 'nightTime' "
            "ELSE 'otherTime' END, date_time, extra, length(extra) - length(replace(extra, 'c', '')) FROM "
            f"(SELECT *, date_time / {3600 * SECOND} % 24 AS hour FROM bid) WHERE price * 908 > 1000000000 AND price * 908 < 50000000000",
            ["bigint", "bigint", "numeric:3", "text", "timestamp", "text", "integer"]),
    "q15": (f"SELECT {DAY}, {BID_COUNTS}, {DISTINCT_COUNTS} FROM bid GROUP BY 1", ["text"] + ["bigint"] * 12),
    "q16": (f"SELECT channel, {DAY}, max(strftime('%H:%M', date_time / {SECOND}, 'unixepoch')), {BID_COUNTS}, {DISTINCT_COUNTS} "
            "FROM bid GROUP BY 1, 2", ["text"] * 3 + ["bigint"] * 12),
    "q17": (f"SELECT auction, {DAY}, {BID_COUNTS}, min(price), max(price), average(sum(price), count(price)), sum(price) FROM bid GROUP BY 1, 2",
            ["bigint", "text"] + ["bigint"] * 6 + ["average", "numeric:0"]),
    "q18": (f"SELECT {TEXTS} FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS place FROM bid) "
            "WHERE place <= 1", BID),
    # Of equal prices the order is by all columns.
    "q19": (f"SELECT {TEXTS}, place FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, {TEXTS}) AS place FROM bid) "
            "WHERE place <= 10", BID + ["bigint"]),
    "q20": ("SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.date_time, b.extra, a.item_name, a.description, a.initial_bid, "
            "a.reserve, a.date_time, a.expires, a.seller, a.category, a.extra FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10",
            BID + ["text", "text", "bigint", "bigint", "timestamp", "timestamp", "bigint", "bigint", "text"]),
    "q21": ("SELECT * FROM (SELECT auction, bidder, price, channel, CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' "
            "WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE channel_id(url) END AS number FROM bid) WHERE number IS NOT NULL",
            ["bigint", "bigint", "bigint", "text", "text"]),
    "q22": ("SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5), split_part(url, '/', 6) FROM bid",
            ["bigint", "bigint", "bigint", "text", "text", "text", "text"]),
}
