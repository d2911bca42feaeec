#!/usr/bin/env python3
"""Writes cases.tsv: what PostgreSQL 15 answers for the functions of the registry.

    generate_cases.py --host DIR [--user postgres] > cases.tsv

DIR is the socket directory of a PostgreSQL 15 server whose database has the locale C.UTF-8. A line is
`key TAB argument … TAB expected`: arguments are input texts (\\N is NULL), the expected value is the output
text, `\\N` for NULL, or `!SQLSTATE message`. Tabs, newlines and backslashes are escaped as in COPY.
Deliberate differences (numeric has 38 digits here and neither NaN nor infinity; texts have a shorter maximum)
are written as what is expected here, with the message left out.
"""
import argparse
import itertools
import random
import re
import subprocess
from fractions import Fraction

POOL = {
    "boolean": "t f".split(),
    "smallint": "0 1 -1 2 7 -13 100 181 182 32767 -32768".split(),
    "integer": "0 1 -1 2 3 10 -7 46340 46341 65536 2147483647 -2147483648".split(),
    "bigint": "0 1 -1 2 5 -13 1000000 3037000499 3037000500 4294967296 9223372036854775807 -9223372036854775808".split(),
    "numeric": (
        "0 0.00 1 1.0 1.00 -1 -1.5 0.5 -0.5 0.05 1.5 2.5 -2.5 2 3 7 -7.25 0.1 0.001 -0.045 0.0001 0.00012345 10000 9999 9999.9999 "
        "100 12345.678 12345678901234567890 123456789012345678901234.567 0.00000000000000000001 1234567890.123456789 "
        "99999999999999999999999999999999999999 -99999999999999999999999999999999999999 "
        "0.99999999999999999999999999999999999999 32767.5 -32768.5 2147483647.4 2147483647.5 9223372036854775807.5 0.908 85000.00"
    ).split(),
    "double precision": (
        "0 -0 1 -1 0.5 1.5 2.5 -2.5 3.5 0.1 -7.25 2 3 100 1e14 1e15 -1e15 999999999999999.9 123456789012345680 1e300 -1e300 1e-300 5e-324 "
        "1.7976931348623157e308 NaN Infinity -Infinity 3.0000000000000004 9007199254740993 2147483647.5 "
        "9.223372036854776e18 9.223372036854775e18 32767.5 32766.5 -32768.5 0.0001 0.00001 1e22 1e23 123456.789 0.30000000000000004"
    ).split(),
    "text": [
        "", "a", "abc", "Hello World", "  x  ", "äöü€😀", "ÄÖÜ ß ſ ı İ ŉ", "ǅ ᾳ ᾼ ﬁ Σς", "abcabcabc", "b", "bc", "xyz", "100%", "a,b,,c", ",",
        "aaa", "aa", "e\u0301", "zZ9_-", "\u00a0x", "tab\there", "line\nfeed",
    ],
    "timestamp without time zone": [
        "1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2000-01-01 00:00:00", "2024-02-29 12:34:56.789", "2023-12-31 23:59:59",
        "2024-01-31 00:00:00", "2021-01-03 05:06:07.000001", "2020-12-28 10:00:00", "1999-12-31 00:00:00.5", "2001-01-01 00:00:00", "1900-03-01 01:02:03",
        "0001-01-01 00:00:00", "0044-03-15 12:00:00 BC", "4713-01-01 00:00:00 BC", "9999-12-31 23:59:59.999999", "285000-12-31 00:00:00",
        "infinity", "-infinity", "0001-12-31 00:00:00 BC", "2016-07-01 13:00:00", "1582-10-15 00:00:00", "0100-12-31 00:00:00", "0101-01-01 00:00:00",
        "12024-05-06 07:08:09.1",
    ],
    "interval": [
        "0", "1 second", "10 seconds", "-1 second", "1 day", "1 mon", "1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons +3 days -04:05:06",
        "1 mon -1 day", "30 days", "720:00:00", "1 day -00:00:01", "2 years", "-00:00:00.000001", "100 years", "1 week", "25:00:00", "0.5 sec",
        "13 mons", "178956970 years", "2147483647 days", "-2147483648 days", "2562047788:00:00", "1.1 seconds",
    ],
}
T, I, TS, IV, N, D = "text", "integer", "timestamp without time zone", "interval", "numeric", "double precision"
NUMBERS = ["smallint", "integer", "bigint", N, D]
ALL = ["boolean"] + NUMBERS + [T, TS, IV]
INPUT = {
    "boolean": "t f true FALSE tr yes y no n on off of o 1 0 01 2 maybe".split() + ["", " t ", "\ttrue\n"],
    "smallint": "0 -0 +5 32767 32768 -32768 -32769 007 1.0 1e3 abc 12a - + 99999999999999999999".split() + ["", " 12 ", "1 2", "--1"],
    "integer": "0 +5 2147483647 2147483648 -2147483648 -2147483649 007 1.0 0x10 1_000".split() + ["", " 12 ", "1 2"],
    "bigint": "0 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 x 99999999999999999999999".split() + ["", " 12 "],
    "numeric": (
        "0 -0 +5 .5 5. . -.5 1e3 1.5e3 1.50e1 1E-3 1e-38 1e e1 1.2.3 1e+2 1e37 00012.3400 -0.00 12345678901234567890.123456789 abc 0x10 1_0 1e- +-1 1,5 "
        "99999999999999999999999999999999999999 0.00000000000000000000000000000000000001"
    ).split() + ["", " 12.5 ", "1 2", "- 1"],
    "double precision": (
        "0 -0 +5 .5 5. . -.5 1e3 1e400 -1e400 1e-400 nan NaN inf -inf +Infinity infinity infinit Inf 0x10 0x1p4 1e 1.5.2 abc 1e308 4.9e-324 2e-324 "
        "1_0 iNFINITY -nan 1d 1f 123456789012345678901234567890 0.1e-5"
    ).split() + ["", " 12.5 ", "1 2", "- 1"],
    TS: [
        "2024-01-02", "2024-01-02 03:04", "2024-01-02 03:04:05", "2024-01-02T03:04:05", "2024-01-02T03:04:05Z", "2024-01-02t03:04:05.123456z",
        "2024-01-02 03:04:05.1234567", "2024-01-02 03:04:05.9999999", "2024-01-02 03:04:05+02", "2024-01-02 03:04:05-05:30", "2024-01-02 03:04:05 +0200",
        "2024-01-02 03:04:05 UTC", "2024-02-30", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-00", "2024-01-32", "2024-01-02 24:00:00",
        "2024-01-02 24:00:01", "2024-01-02 25:00:00", "2024-01-02 23:60:00", "2024-01-02 23:59:60", "2024-01-02 23:59:61", "infinity", "-infinity", "epoch",
        "Infinity", "EPOCH", "", "abc", "2024", "20240102", "20240102T030405", "20240102 030405", "2024-1-2", "2024-1-2 3:4:5", "0001-01-01 BC", "4713-11-24 00:00:00 BC",
        "4715-01-01 BC", "99999999-01-01", "2024-01-02 03:04:05 PM", "2024-01-02 03:04 am", "2024-01-02 13:04 pm", "2024-01-02 12:00 AM", 
        "01/02/2024", "1/2/2024 3:04", "2024/01/02", "2024.01.02", " 2024-01-02 ", "2024-01-02  03:04:05", "2024-01-02 03", "2024-01-02 03:04:05 BC",
        "2024-01-02 03:04:05.", "2024-01-02 03:04:05.5 x", "2024-01-02 x", "2024-01-02T", "2024-01-02 03:04:05+25", "2024-01-02 03:4", "10000-01-01", "now2", "2024-001", "2024-366",
        "2024-01-02 03:04:05,123", "0000-01-01", "294277-01-01",
        "2024-01-02 03:04:05.123+00:00", "2024-01-02T03:04:05.123-08", "2024-01-02 T03:04:05",
    ],
    IV: [
        "1 second", "10 seconds", "1 day", "1 day 02:03:04", "02:03:04", "02:03", "-02:03:04.5", "1 year 2 months 3 days 4 hours 5 minutes 6 seconds",
        "1 year 2 mons -3 days +04:05:06", "1 day ago", "1 hour ago", "-1 day ago", "1.5 days", "1.5 months", "1.5 years", "0.3 years", "1.25 hours", "2.5 weeks", "1 decade",
        "1 century", "1 millennium", "3 ms", "4 us", "5 microseconds", "6 milliseconds", "7", "7.5", "-7", "P1Y2M3DT4H5M6S", "P1Y", "PT1H", "PT1.5S", "P-1Y-2M3DT-4H", "P1W",
        "P0001-02-03T04:05:06", "P", "PT", "", "abc", "1", "1 x", "1 day 1", "1 day 5 seconds", "1 mon 1 mon", "1-2", "1-2 3 4:05:06", "-1-2", "1 2:03:04", "@ 1 minute", "1 day,",
        "1 h 2 m 3 s", "1h", "1h30m", "3 d", "1y2mon", "999999999999 years", "178956970 years 7 mons", "178956970 years 8 mons", "2147483647 days", "2147483648 days", "9223372036854 seconds",
        "1:2:3", "100:00:00", "1000000:00:00", "02:60:00", "02:03:60", "02:03:61", "1 day -1", "+1 day", "- 1 day", "1 quarter", "1e3 seconds", "1.5e1 seconds", "infinity", "1 day 2 days",
        "01:02:03.123456789", "1 month -1 second", "0", "0 days", "1 mins", "1 hrs", "1 secs", "1 yrs", "1 wks", "1 mils", "1 c", "1 dec", "1 month ago 2 days", "3 days 01:00:00 ago",
        "00:00:00.0000005", "0.0000015 s", "1.9999999 seconds", "PT1H1.5M", "P1.5M", "P1.5Y", "P1.5D", "PT36H", "P1YT", "1 DAY", "1 Day 2 HOURS", "1day", "1 day2 hours", "2.5 ms", "1.0000001 days",
    ],
}
LIKE = [
    (t, p)
    for t in ["", "a", "abc", "a%c", "a_c", "a\\c", "aXbXc", "äöü€😀", "AbC", "ÄÖ", "aaaaaaaaab", "xay", "ß", "line\nfeed"]
    for p in ["", "%", "_", "a", "a%", "%c", "a%c", "a_c", "a\\%c", "a\\_c", "a\\\\c", "abc\\", "%\\", "___", "%b%", "_b_", "A%", "äö%", "ÄÖ%", "ä_ü__", "%a%a%b", "a%\\%c", "%%", "_%_", "ẞ", "\\a%", "%\n%"]
]
UNITS = (
    "microseconds milliseconds second minute hour day week month quarter year decade century millennium dow isodow doy isoyear epoch julian "
    "MONTH us ms timezone bogus hours"
).split() + [""]
TEMPLATES = [
    "YYYY-MM-DD HH24:MI:SS", "YYYY-MM-DD HH24:MI:SS.MS", "YYYY-MM-DD HH24:MI:SS.US", "HH12:MI:SS AM", "HH:MI pm", "HH12 A.M. p.m.", "Mon DD, YYYY", "FMMonth FMDD, YYYY", "Month|month|MONTH|",
    "Day|day|DAY|Dy|dy|DY", "FMDay", "D ID DDD IDDD", "Q WW W IW", "IYYY-IW-ID", "IYY IY I", "Y,YYY YYY YY Y", "CC J", "SSSS SSSSS", "FF1 FF2 FF3 FF4 FF5 FF6", "DDth", "FMDDth MM", "YYYYth HH24TH",
    "\"quoted YYYY\" YYYY", "YYYY \\\"x\\\"", "yyyy-mm-dd hh24:mi:ss", "RM rm", "FMRM", "BC AD b.c. a.d.", "TZ OF", "plain text", "", "YYYYMMDD", "HH24MISS", "FMHH24:FMMI:FMSS", "FMMM/FMDD/FMYY", "TMMonth", "MON mon", "us ms", "am", "YYYY-MM-DD\"T\"HH24:MI:SSOF", "TZH:TZM", "q ww dd",
]


def cases(rng):
    def pick(key, types, most=160):
        rows = list(itertools.product(*[POOL[t] for t in types]))
        if len(rows) > most:
            rows = rng.sample(rows, most)
        for row in rows:
            yield key, types, row

    def named(name, types, rows):
        for row in rows:
            yield f"{name}({','.join(types)})", types, tuple(str(v) for v in row)

    def auto(name, types, most=160):
        yield from pick(f"{name}({','.join(types)})", types, most)

    for t in NUMBERS:
        for op in "+ - * /".split():
            yield from auto(op, [t, t], 200)
        yield from auto("-", [t])
        yield from auto("abs", [t])
        if t != D:
            yield from auto("%", [t, t])
            yield from auto("mod", [t, t], 60)
    for t in NUMBERS[:3]:
        for op in "& | #".split():
            yield from auto(op, [t, t], 30)
    for t in ALL:
        for op in "= <> < <= > >=".split():
            yield from auto(op, [t, t], 150)
        pool = POOL[t] + ["\\N"]
        rows = list(itertools.product(pool, pool))
        yield from named("is_distinct", [t, t], rng.sample(rows, min(len(rows), 60)) + [("\\N", "\\N"), (pool[0], "\\N")])
    for name in "round floor ceil ceiling trunc sqrt sign".split():
        for t in (N, D):
            yield from auto(name, [t])
    for name in "round trunc".split():
        yield from named(name, [N, I], [(v, s) for v in POOL[N] for s in (0, 1, 2, -1, -3, 5, 20, -40)])
    for name in "power pow".split():
        yield from named(name, [D, D], [(a, b) for a in POOL[D] for b in ["0", "1", "2", "-1", "0.5", "-0.5", "3", "NaN", "Infinity", "-Infinity", "1e10"]])
    for name in "power pow".split():
        yield from named(name, [N, N], [(a, b) for a in "0 0.00 1 1.0 -1 2 2.0 -2.5 1.5 10 0.1 9.99 1.0001 123.456 -3 100000 1.08 0.5".split() for b in "0 1 2 -1 3 5 10 -2 20 0.5 1.5 -0.5 2.0 30 0.25 100".split()])
    for name in ("exp", "ln", "log10", "log", "cbrt"):
        yield from auto(name, [D])
    for p, s in [(10, 2), (5, 0), (38, 10), (3, 3), (38, 38), (1, 0), (12, 4)]:
        yield from named("numeric_scale", [N, I, I], [(v, p, s) for v in POOL[N]])
    # casts
    for a, b in itertools.product(NUMBERS, NUMBERS):
        if a != b:
            yield from auto(f"cast_{'double' if b == D else b}", [a])
    yield from auto("cast_integer", ["boolean"])
    yield from auto("cast_boolean", [I])
    short = {D: "double", TS: "timestamp"}
    for t in ALL:
        if t != T:
            yield from auto("cast_text", [t])
            yield from named(f"cast_{short.get(t, t)}", [T], [(v,) for v in INPUT[t]])
    # text
    yield from auto("||", [T, T], 60)
    for name in "length char_length character_length octet_length bit_length upper lower reverse ascii btrim ltrim rtrim".split():
        yield from auto(name, [T])
    for name in "btrim ltrim rtrim".split():
        yield from named(name, [T, T], [(t, s) for t in ["xxabcxx", "äxä", "", "  a ", "abcabc", "aaa", "😀a😀"] for s in ["x", "xä", "", "abc", " ", "ca", "😀"]])
    for name in "strpos position starts_with".split():
        yield from auto(name, [T, T], 120)
        yield from named(name, [T, T], [("abcabc", "ca"), ("äöü", "ü"), ("abc", ""), ("", ""), ("", "a"), ("aXäaXä", "Xä"), ("Hello", "Hell")])
    for name in "substring substr".split():
        yield from named(name, [T, I], [(t, n) for t in ["", "abc", "äöü€😀"] for n in (-5, -1, 0, 1, 2, 3, 10, 2147483647, -2147483648)])
        yield from named(name, [T, I, I], [(t, n, m) for t in ["", "abcdef", "äöü€😀"] for n in (-5, -1, 0, 1, 2, 4, 10, 2147483647, -2147483648) for m in (-1, 0, 1, 2, 3, 7, 2147483647)])
    for name in "left right".split():
        yield from named(name, [T, I], [(t, n) for t in ["", "abcdef", "äöü€😀"] for n in (-10, -2, -1, 0, 1, 2, 5, 10, 2147483647, -2147483648)])
    yield from named("replace", [T, T, T], [(t, a, b) for t in ["", "abcabc", "äöüä", "aaaa", "a.b"] for a in ["", "a", "abc", "ä", "aa", "x"] for b in ["", "x", "aa", "€"]])
    yield from named("translate", [T, T, T], [(t, a, b) for t in ["", "abcabc", "äöüä"] for a in ["", "a", "abc", "ä"] for b in ["", "x", "aa", "€"]])
    yield from named("split_part", [T, T, I], [(t, d, n) for t in ["", "a,b,,c", "abc", "a--b--c", "äöü€x€"] for d in [",", "", "--", "€", "x"] for n in (-5, -2, -1, 0, 1, 2, 3, 4, 5)])
    yield from named("repeat", [T, I], [(t, n) for t in ["", "ab", "€"] for n in (-1, 0, 1, 3)])
    for name in "lpad rpad".split():
        yield from named(name, [T, I, T], [(t, n, f) for t in ["", "abc", "äö"] for n in (-1, 0, 2, 3, 5, 8) for f in ["", "x", "xy", "€"]])
        yield from named(name, [T, I], [(t, n) for t in ["", "abc", "äö"] for n in (-1, 0, 2, 5)])
    yield from named("chr", [I], [(n,) for n in (65, 0, -1, 228, 8364, 128512, 1114111, 1114112, 55296, 2147483647)])
    for op in "~~ !~~ ~~* !~~*".split():
        yield from named(op, [T, T], LIKE)
    for n in range(2, 9):
        pool = POOL[T] + ["\\N"]
        yield from named("concat", [T] * n, [[rng.choice(pool) for _ in range(n)] for _ in range(8)])
    # time
    yield from auto("+", [TS, IV], 250)
    yield from auto("+", [IV, TS], 60)
    yield from auto("-", [TS, IV], 250)
    yield from auto("-", [TS, TS], 250)
    yield from auto("+", [IV, IV])
    yield from auto("-", [IV, IV])
    yield from auto("-", [IV])
    factors = "0 1 -1 2 0.5 1.5 -2.5 0.1 3 7 1e10 1e300 NaN Infinity 0.333333333".split()
    yield from named("*", [IV, D], [(a, b) for a in POOL[IV] for b in factors])
    yield from named("*", [D, IV], [(b, a) for a in POOL[IV][:8] for b in factors])
    yield from named("/", [IV, D], [(a, b) for a in POOL[IV] for b in factors])
    for name in "extract date_part".split():
        for t in (TS, IV):
            rows = [(u, v) for u in UNITS for v in POOL[t]]
            yield from named(name, [T, t], rng.sample(rows, 330))
    rows = [(u, v) for u in UNITS for v in POOL[TS]]
    yield from named("date_trunc", [T, TS], rng.sample(rows, 330))
    rows = [(u, v) for u in UNITS for v in POOL[IV]]
    yield from named("date_trunc", [T, IV], rng.sample(rows, 150))
    rows = [(v, f) for f in TEMPLATES for v in POOL[TS]]
    yield from named("to_char", [TS, T], rng.sample(rows, 500))
    yield from named("tumble_start", [TS, IV], [(v, s) for v in POOL[TS] for s in ["10 seconds", "1 day", "7 days", "1 hour", "0.1 sec", "36:00:00", "1 day 01:00:00"]])
    for name in ("justify_hours", "justify_days"):
        yield from auto(name, [IV])


def quote(text, type):
    if text == "\\N":
        return f"NULL::{type}"
    escaped = text.replace("'", "''")
    return f"('{escaped}'::{type})"


def sql(key, types, row):
    name = key[: key.index("(")]
    a = [quote(v, t) for v, t in zip(row, types)]
    if name.startswith("cast_"):
        target = {"double": D, "timestamp": TS}.get(name[5:], name[5:])
        return f"CAST({a[0]} AS {target})"
    if name == "is_distinct":
        return f"{a[0]} IS DISTINCT FROM {a[1]}"
    if name == "numeric_scale":
        return f"CAST({a[0]} AS numeric({row[1]},{row[2]}))"
    if name == "tumble_start":
        return f"date_bin({a[1]}, {a[0]}, '1970-01-01'::timestamp)"
    if re.match(r"^[a-z]", name):
        return f"pg_catalog.\"{name}\"({', '.join(a)})"
    return f"{name} {a[0]}" if len(a) == 1 else f"{a[0]} {name} {a[1]}"


SETUP = r"""
SET client_min_messages = error; SET intervalstyle = postgres; SET datestyle = 'ISO, MDY'; SET timezone = 'UTC';
CREATE FUNCTION pg_temp.answer(e text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
  EXECUTE 'SELECT CASE WHEN x IS NULL THEN NULL ELSE format(''%s'', x) END FROM (SELECT ' || e || ' AS x) q' INTO r;
  RETURN r;
EXCEPTION WHEN OTHERS THEN RETURN '!' || SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TEMP TABLE c (n int, k text, e text);
COPY c FROM STDIN;
"""


def escape(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def difference(key, types, row, expected):
    """The answer expected here where it differs on purpose; None leaves the case out."""
    numeric_result = expected is not None and not expected.startswith("!")
    name = key[: key.index("(")]
    result_is_numeric = name == "cast_numeric" or (N in types and not name.startswith(("cast_", "=", "<", ">", "is_d"))) or (name == "extract")
    if name in ("power", "pow") and N in types and numeric_result:
        base, exponent = Fraction(row[0]), Fraction(row[1])
        if exponent.denominator != 1:
            return "!0A000"
        # The exact power must fit.
        exact = base ** abs(exponent.numerator)
        places = next((s for s in range(600) if (exact * 10**s).denominator == 1), 600)
        if places > 38 or len(str(abs((exact * 10**places).numerator))) > 38:
            return "!22003"
    if result_is_numeric and numeric_result:
        if expected in ("NaN", "Infinity", "-Infinity"):
            return None if name == "extract" else "!"
        if name != "extract":
            digits = expected.replace("-", "").replace(".", "").lstrip("0")
            scale = len(expected.split(".")[1]) if "." in expected else 0
            if len(digits) > 38 or scale > 38:
                return "!22003"
    return expected


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--user", default="postgres")
    options = parser.parse_args()
    seen = set()
    every = []
    for case in cases(random.Random(20240229)):
        identity = (case[0], case[2])
        if identity not in seen:
            seen.add(identity)
            every.append(case)
    script = SETUP + "".join(f"{n}\t{escape(k)}\t{escape(sql(k, t, r))}\n" for n, (k, t, r) in enumerate(every)) + "\\.\n"
    script += "COPY (SELECT pg_temp.answer(e) FROM c ORDER BY n) TO STDOUT;\n"
    psql = ["psql", "-h", options.host, "-U", options.user, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]
    answers = subprocess.run(psql, input=script.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    assert len(answers) == len(every), (len(answers), len(every))
    for (key, types, row), answer in zip(every, answers):
        plain = None if answer == "\\N" else answer.replace("\\\\", "\\").replace("\\n", "\n").replace("\\t", "\t")
        if plain and plain.startswith("!42883"):
            raise SystemExit(f"PostgreSQL does not have {key}: {plain}")
        changed = difference(key, types, row, plain)
        if changed is None and plain is not None:
            continue
        fields = [key] + [v if v == "\\N" else escape(v) for v in row] + ["\\N" if changed is None else escape(changed)]
        print("\t".join(fields))


main()
