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
# As timestamps with a time zone; without one they are in UTC.
ZONED = sorted({v if "infinity" in v else v.replace(" BC", "") + zone + (" BC" if "BC" in v else "") for v in POOL["timestamp without time zone"] for zone in ("", "+00")})
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
        yield from named(name, [T, I], [(t, n) for t in ["", "abcdef", "äöü€😀"] for n in (-10, -2, -1, 0, 1, 2, 5, 10, 2147483647, -2147483647)])
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
    yield from named("tumble_start", ["timestamp with time zone", IV], [(v, s) for v in ZONED for s in ["10 seconds", "1 day", "7 days", "1 hour", "0.1 sec", "36:00:00", "1 day 01:00:00"]])
    for name in ("justify_hours", "justify_days"):
        yield from auto(name, [IV])
    yield from more_cases(named, auto, rng)
    yield from typed_cases(named, rng)
    yield from further_cases(named)


def further_cases(named):
    """What was added later: with random numbers of its own, so that the cases before stay as they are."""
    rng = random.Random(3)
    CH, TZ = "character", "timestamp with time zone"
    padded = ["", "   ", "a", "a  ", "abc", "abc  ", "a%", "äö ", "\\N"]
    yield from named("octet_length", [CH], [(v,) for v in padded])
    for op in "~~ !~~ ~~* !~~*".split():
        yield from named(op, [CH, T], itertools.product(padded, ["", "a", "A", "a  ", "a%", "%", "___", "abc", "ABC  ", "äö_"]))
    for op in "~ !~ ~* !~*".split():
        yield from named(op, [CH, T], itertools.product(padded, ["", "a$", "A", "a  $", "^.{3}$", "c *$", " $"]))
    times = ["2024-03-31 00:30+00", "2024-03-31 01:30+00", "2024-10-27 00:30:31.5+00", "2024-10-27 01:30:31.5+00", "2024-12-31 23:30+00", "0001-01-01 12:00+00 BC", "infinity", "-infinity"]
    zones = ["UTC", "Europe/Berlin", "america/new_york", "Asia/Kolkata", "Australia/Lord_Howe", "EST", "+03", "UTC+3", "CET-1CEST,M3.5.0,M10.5.0/3", "Foo", ""]
    rows = list(itertools.product(UNITS, times, zones))
    yield from named("date_trunc", [T, TZ, T], rng.sample(rows, 400))
    rows = list(itertools.product([2024, 1990, 2300], [3, 7, 10], [31, 27], [2, 12], [30], ["0", "59.5"], zones + ["+05:30", "-03:30:15", "+1430", "+16", "3", "+05:60", "+aa", "-x"]))
    yield from named("make_timestamptz", [I, I, I, I, I, D, T], rng.sample(rows, 200))
    yield from named("numeric_scale", [N, I, I], itertools.product("12345 12355 99950 99949 -49999 50000 0.00123456 0.0099951 0.0099949 0.00999999 0.001 1 0".split(), [1, 3], [-5, -2, -1, 4, 5]))
    spans = POOL[IV] + ["3 years 5 mons 7 days 12:34:56.789012", "-3 years -5 mons -7 days -12:34:56.789512"]
    fields = itertools.product(spans, range(6), [0, 2, 6])
    yield from named("cast_fields", [IV, I, I], fields)
    yield from named("cast_fields", [IV + "[]", I, I], itertools.product(["{}", "{NULL,1 day 12:34:56.789}"], range(6), [2]))
    paths = [
        "$ /* x */ . a", '$."\\u0061"', "$.\\x61", '$."\\u{61}"', "$[$x]", "$[$x to last]", "$[$v]", "LAX $[0 TO 1]", '$[*] ? (@ == $"v")', "$.a.SIZE()",
        "($.a == 1).type()", "1.5", "5.", ".5", "$[*].double()", "$[*] ? (exists(@.double()))", "($ > 1) is unknown", "$.a/* */", "/*", '"\\v"',
    ]
    for name in ("jsonb_path_exists", "jsonb_path_query_array", "jsonb_path_query_first"):
        yield from named(name, ["jsonb", T, "jsonb", "boolean"], itertools.product(['{"a": 1}', '[1, "x", 2]', "5"], paths, ['{"x": 1, "v": 2}'], "f"))


NUMBER_TEMPLATES = (
    "9|99|999|9999999999|0|000|0000000000|9.9|99.99|0.0|000.000|999.000|.99|9,999|9,999,999.99|0,000,000|9G999D99|999V99|9V9|FM999.99|FM999.009|FM0000|FM9.9|FM0.00|FM9,999.99|"
    "S999|999S|S9.9|9.9S|SG999|MI999|999MI|PL999|999PL|999PR|FM999PR|FM999MI|FMS999|RN|rn|FMRN|999th|999TH|FM999th|9.9EEEE|9.999EEEE|9EEEE|B99|B9.9|L999|\"x\"999\"y\"|999 \"a\" 99|"
    "abc 9|9 9 9|0999|9990|0.999|9.990|FM9.990|FM90.09|S0.00|D99|FMD99|99D|9999999999999999999999|99999999999999.999999999999999999999999|SP9|EEEE|V9|9.9.9|9EEEE9|S9S|PR9|9PRS|9MIS|V9.9|999,999,999"
).split("|")
TO_NUMBER = [
    (t, f)
    for f in ["99G999D9S", "9999", "9,999.99", "999.99", "S999.99", "999.99S", "999MI", "MI999", "999PR", "PL999", "SG999", "FM9,999", "9V99", "L999", "\"x\"99", "00.00", "9.9", "", "RN", "EEEE", "99 99", "999th"]
    for t in ["12,454.8-", "-12.34", "12.34", "1,234.56", "<123>", "123-", "+5", "- 7", " 12", "abc", "", "$45", "1 2 3", "12345678", "0.5", ".5", "x42", "12.3456", "-1,2", "5th"]
]
TIME_INPUT = [
    ("2024-02-29", "YYYY-MM-DD"), ("2023-02-29", "YYYY-MM-DD"), ("20240229123456", "YYYYMMDDHH24MISS"), ("05 Dec 2000", "DD Mon YYYY"), ("5 december 2000", "DD Month YYYY"),
    ("2000    JUN", "YYYY MON"), ("2000    JUN", "FXYYYY MON"), ("2000/JUN", "YYYY MON"), ("2000JUN", "YYYY///MON"), ("200/JUN", "YYYY MON"), ("20000-1131", "YYYY-MMDD"), ("20000Nov31", "YYYYMonDD"),
    ("12:3:19", "HH24:MI:SS"), ("12.021.020.0120", "HH24.MI.SS.US"), ("15:12:02.020.001230", "HH24:MI:SS.MS.US"), ("12:30", "HH12:MI"), ("12:30 PM", "HH12:MI AM"), ("11:30 pm", "HH:MI AM"), ("11:30 P.M.", "HH:MI p.m."), ("13:30 AM", "HH12:MI AM"), ("0:30 AM", "HH12:MI AM"),
    ("97", "YY"), ("20", "YY"), ("997", "YYY"), ("5", "Y"), ("97/Feb/16", "YY/Mon/DD"), ("97/Feb/16", "YYMonDD"), ("97 Feb 16", "FXYY:Mon:DD"), ("1997 AD 11 16", "YYYY BC MM DD"), ("1997 BC 11 16", "YYYY BC MM DD"), ("-44-02-01", "YYYY-MM-DD"), ("44-02-01 11:12:13 BC", "YYYY-MM-DD HH24:MI:SS BC"), ("-44-02-01 BC", "YYYY-MM-DD BC"),
    ("2005-52-6", "IYYY-IW-ID"), ("2005-300", "IYYY-IDDD"), ("2005527", "IYYYIWID"), ("2005 350", "YYYY DDD"), ("350", "DDD"), ("2005 12", "YYYY WW"), ("2005 3 2", "YYYY MM W"), ("2451187", "J"), ("19 97", "CC YY"), ("21", "CC"), ("19971116", "YYYYMMDD"), ("1,582", "Y,YYY"), ("1,582nd VIII 21", "Y,YYYth FMRM DD"), ("2011-12-18 11:38 -05", "YYYY-MM-DD HH12:MI TZH"), ("2011-12-18 11:38 +05:20", "YYYY-MM-DD HH12:MI TZH:TZM"), ("2011-12-18 11:38 20", "YYYY-MM-DD HH12:MI TZM"), ("2011-12-18 11:38-16", "YYYY-MM-DD HH12:MI TZH"), ("x", "TZ"), ("+05", "OF"),
    ("2018-11-02 12:34:56.025", "YYYY-MM-DD HH24:MI:SS.MS"), ("2018-11-02 12:34:56.1234", "YYYY-MM-DD HH24:MI:SS.FF4"), ("2018-11-02 12:34:56.1", "YYYY-MM-DD HH24:MI:SS.FF1"), ("2018-11-02 12:34:56.12345678", "YYYY-MM-DD HH24:MI:SS.FF6"), ("1 4 1902", "Q MM YYYY"), ("3 4 21 01", "W MM CC YY"), ("2458872", "J"), ("44", "HH24"), ("2024-13-01", "YYYY-MM-DD"), ("2024-01-32", "YYYY-MM-DD"), ("2024-01-01 25:00", "YYYY-MM-DD HH24:MI"), ("2024-01-01 23:61", "YYYY-MM-DD HH24:MI"), ("86399", "SSSS"), ("86400", "SSSSS"), ("2024 2025", "YYYY YYYY"), ("2024 12", "YYYY IW"), ("Monday", "Day"), ("mon", "Dy"), ("1", "D"), ("xyz", "Mon"), ("", "YYYY"), ("2024", ""), ("99999999999", "YYYY"), ("12", "YYYYMM"), ("1a", "HH24MI"), ("2011-12-18 23:38:15", "YYYY-MM-DD  HH24:MI:SS"), ("  2011  12 18", "YYYY MM DD"), ("2011x12x18", "YYYYxMMxDD"), ("2011 abc 12", "YYYY \"abc\" MM"), ("2011 12", "YYYY\"abc\"MM"), ("2000+JUN", "YYYY/MON"), ("2000 +-JUN", "YYYY/MON"), ("4th", "DDth"), ("1st Jan 2024", "DDth Mon YYYY"), ("\u00e4 2024", "x YYYY"),
]
REGEX = [
    "", "a", "b+", "^a", "c$", "a|b", "(a)(b)?", "[a-c]+", "[^a-c]+", "\\d+", "\\w+", "\\s", "\\D", "\\W", "\\S+", ".", "a.c", "(ab|abcd)(cd)?", "x*", "(?:ab)+", "a{2}", "a{2,}", "a{1,2}", "[[:alpha:]]+", "[[:digit:][:space:]]", "[[:upper:]]", "\\yab", "\\mhello\\M", "\\Aab", "b\\Z", "a+?", "(a.*?)(b)", "***=a.c", "(?i)HELLO", "(?x) a b # comment", "\\x41", "\\u00e4", "[]a]", "[a\\]]", "[\\d]+", "\\.", "a\\", "(", ")", "[a", "a**", "*a", "a{3,2}", "a{999}", "[z-a]", "\\q", "a{,2}", "a||b", "()", "^*", "[[:foo:]]", "(?=a)", "ä", "[ä-ü]", "(a)|(b)", "\\n", "a$|^b", "e\\s+l", "o w", "l+o", "[-a]", "[a-]", "^", "$",
]
SUBJECTS = ["", "a", "abc", "aaa", "abcd abcd", "Hello World", "hello 123 world", "a\nb", "äöü x", "a.c", "A", "foo bar  baz", "12-34-56", "xay", "a]b"]
SIMILAR = ["", "a", "%", "_", "a%", "(a|b)%", "a.c", "[a-c]+", "%b_", "a+", "a{2,3}", "x|y", "\\%", "a\\_c", "_*", "^a$", "[^a]%", "a|b|c", "#%", "%#\"o_b#\"%", "#\"a#\"%", "[a\\]"]


def more_cases(named, auto, rng):
    def lists(*choices, most=150):
        rows = list(itertools.product(*choices))
        return rng.sample(rows, most) if len(rows) > most else rows

    # mathematics
    doubles = POOL[D] + "30 45 60 90 180 270 360 -30 -45 0.7071067811865476 -0.5".split()
    for name in "sin cos tan cot asin acos atan sinh cosh tanh asinh acosh atanh degrees radians sind cosd tand cotd asind acosd atand".split():
        yield from named(name, [D], [(v,) for v in (doubles if name.endswith("d") or name in ("degrees", "radians") else [v for v in doubles if v not in ("1e300", "-1e300", "1.7976931348623157e308")])])
    for name in ("atan2", "atan2d"):
        yield from named(name, [D, D], lists("0 -0 1 -1 0.5 Infinity -Infinity NaN 3".split(), "0 -0 1 -1 2 Infinity -Infinity NaN".split()))
    yield "pi()", [], ()
    for name in "exp ln log log10".split():
        yield from auto(name, [N])
    yield from named("exp", [N], [(v,) for v in "10.5 -10.5 20 -20.5 50 -3.123456789 0.0001 87 88 -30 -60 1.5 0.99".split()])
    bases = "0 0.00 1 1.0 -1 2 2.0 -2.5 1.5 10 0.1 9.99 1.0001 123.456 -3 100000 1.08 0.5 0.9 1.1".split()
    powers = "0 1 2 -1 3 5 10 -2 20 0.5 1.5 -0.5 2.0 30 0.25 100 -0.333 3.14159".split()
    for name in ("power", "pow", "^"):
        yield from named(name, [N, N], [(a, b) for a in bases for b in powers] if name == "power" else lists(bases, powers, most=60))
    yield from named("^", [D, D], lists(POOL[D], ["0", "1", "2", "-1", "0.5", "3"], most=80))
    yield from named("log", [N, N], lists("2 2.0 10 0.5 1.5 1 0 -1 100 3.14".split(), "1 2 64 100 0.001 3.7 0 -1 1e10 1.0000001".split(), most=100))
    yield from named("factorial", ["bigint"], [(v,) for v in (0, 1, 2, 5, 20, 33, 34, -1)])
    for t in ("integer", "bigint", N):
        for name in ("gcd", "lcm"):
            yield from auto(name, [t, t], 60)
            yield from named(name, [t, t], [(12, 18), (-12, 18), (0, 5), (0, 0), (7, 13)])
    yield from named("lcm", [N, N], [("1.5", "2.25"), ("0.1", "3")])
    yield from named("gcd", [N, N], [("1.5", "2.25"), ("0.1", "3")])
    yield from auto("div", [N, N], 200)
    for name in "scale min_scale trim_scale".split():
        yield from auto(name, [N])
    for t in NUMBERS[:3]:
        yield from auto("~", [t])
        for op in ("<<", ">>"):
            yield from named(op, [t, I], [(v, b) for v in POOL[t] for b in (0, 1, 3, 15, 31, 33, -1)])
    for t in NUMBERS:
        yield from auto("@", [t])
    for op in ("|/", "||/"):
        yield from auto(op, [D])
    widths = "0 1 5.35 10 -1 9.99 100 0.024".split()
    yield from named("width_bucket", [N, N, N, I], lists(widths + ["10.06"], ["0.024", "0", "10"], ["10.06", "10", "0", "-5"], ["5", "1", "0", "-1", "1000"], most=200))
    yield from named("width_bucket", [N, N, N, I], [("1", "12345678901234567890", "0.5", "1"), ("0.50000000000000000001", "1", "0.5", "7")])
    yield from named("width_bucket", [D, D, D, I], [("0.5493061443340549", "1e300", "0.5", "3"), ("Infinity", "1e300", "0.5", "3"), ("1", "0", "1e300", "2147483647")])
    yield from named("width_bucket", [D, D, D, I], lists(widths + ["NaN", "Infinity"], ["0", "10", "-5"], ["10.06", "0", "1e300", "NaN", "Infinity"], ["5", "1", "0", "1000000"], most=200))
    # text
    for name in ("initcap", "quote_ident", "quote_literal", "format"):
        yield from auto(name, [T])
    words = ["abc", "Abc", "a b", "select", "between", "a1_", "1a", 'a"b', "a'b", "a\\b", "", "ä", "über_x", "year", "100%%", "%%", "a%", "%s"]
    for name in ("quote_ident", "quote_literal", "format", "initcap"):
        yield from named(name, [T], [(w,) for w in words])
    yield from named("quote_nullable", [T], [(w,) for w in words + ["\\N"]])
    for t in ("boolean", I, N, TS):
        yield from auto("quote_literal", [t], 8)
        yield from named("quote_nullable", [t], [(v,) for v in POOL[t][:4] + ["\\N"]])
    yield from named("overlay", [T, T, I], [(a, b, n) for a in ["", "abcdef", "äöü€😀"] for b in ["", "XY", "€€€€"] for n in (-1, 0, 1, 2, 5, 9)])
    yield from named("overlay", [T, T, I, I], lists(["ab"], ["c"], ["1", "2", "2147483647"], ["-2147483648", "2147483647"]))
    yield from named("overlay", [T, T, I, I], [(a, b, n, m) for a in ["", "abcdef", "äöü€😀"] for b in ["", "XY"] for n in (0, 1, 3, 9) for m in (-1, 0, 1, 2, 9)])
    yield from auto("to_hex", [I])
    yield from auto("to_hex", ["bigint"])
    yield from auto("^@", [T, T], 80)
    yield from named("^@", [T, T], [("Hello", "Hell"), ("abc", ""), ("", "a")])
    yield from named("like_escape", [T, T], lists(["a%b", "a#%b", "a\\_b", "##", "#", "", "ä€_"], ["#", "\\", "", "ab", "€"]))
    yield from named("similar_to_escape", [T, T], lists(SIMILAR, ["#", "\\", "", "ab"], most=60))
    yield from named("similar_to_escape", [T], [(p,) for p in SIMILAR])
    yield from named("unistr", [T], [(v,) for v in ["d\\0061t\\+000061", "\\u00e4\\U0001F600", "\\\\", "plain", "\\D83D\\DE00", "\\D83D", "\\DE00", "\\0000", "\\12", "\\x", "", "\\uD83D\\uDE00", "\\+FFFFFF"]])
    yield "pg_client_encoding()", [], ()
    some = {T: ["a", "", "b'c", "\\N"], I: ["1", "-5", "\\N"], "boolean": ["t", "f", "\\N"], N: ["1.50", "\\N"], TS: ["2024-01-02 03:04:05"], IV: ["1 day"], D: ["0.1", "\\N"]}
    for types in ([I], [T, I], ["boolean", T], [N, D, T], [TS, IV, I, T]):
        for _ in range(6):
            row = [rng.choice(some[t]) for t in types]
            yield from named("concat", types, [row])
            yield from named("concat_ws", [T] + types, [[rng.choice([",", "", " - ", "\\N"])] + row])
            yield from named("num_nulls", types, [row])
            yield from named("num_nonnulls", types, [row])
    templates = ["%s", "%I", "%L", "%10s|", "%-10s|", "%1$s %1$s", "a%%b %s", "%s %s", "%", "%z", "%2$s", "%0$s", "%*s", "%5L|", "plain", "\\N", "%1$10s|%1$-10s|", "%-*s|"]
    for types in ([T], [I], [I, T], ["boolean", N]):
        yield from named("format", [T] + types, [[f] + [rng.choice(some[t]) for t in types] for f in templates])
    # regular expressions
    rows = [(s, p) for s in SUBJECTS for p in REGEX]
    for op in ("~", "~*", "!~", "!~*", "regexp_like", "substring"):
        yield from named(op, [T, T], rng.sample(rows, 400 if op == "~" else 120))
    flags = ["", "g", "i", "n", "s", "x", "q", "in", "c", "ic", "p", "w", "z", "gi", "e", "m"]
    frows = [(s, p, f) for s in SUBJECTS for p in REGEX for f in flags]
    yield from named("regexp_like", [T, T, T], rng.sample(frows, 150))
    yield from named("regexp_count", [T, T], rng.sample(rows, 120))
    yield from named("regexp_count", [T, T, I], lists(SUBJECTS, REGEX, [1, 2, 4, 0, 99], most=120))
    yield from named("regexp_count", [T, T, I, T], lists(SUBJECTS, REGEX, [1, 3], flags, most=120))
    for name in ("regexp_instr", "regexp_substr"):
        yield from named(name, [T, T], rng.sample(rows, 80))
        yield from named(name, [T, T, I], lists(SUBJECTS, REGEX, [1, 2, 0, 99], most=60))
        yield from named(name, [T, T, I, I], lists(SUBJECTS, REGEX, [1, 2], [1, 2, 3, 0], most=100))
    yield from named("regexp_instr", [T, T, I, I, I], lists(SUBJECTS, REGEX, [1, 2], [1, 2], [0, 1, 2], most=100))
    yield from named("regexp_instr", [T, T, I, I, I, T], lists(SUBJECTS, REGEX, [1], [1, 2], [0, 1], flags, most=100))
    yield from named("regexp_instr", [T, T, I, I, I, T, I], lists(SUBJECTS, REGEX, [1], [1, 2], [0, 1], ["", "i"], [0, 1, 2, -1], most=100))
    yield from named("regexp_substr", [T, T, I, I, T], lists(SUBJECTS, REGEX, [1], [1, 2], flags, most=100))
    yield from named("regexp_substr", [T, T, I, I, T, I], lists(SUBJECTS, REGEX, [1], [1, 2], ["", "i"], [0, 1, 2, -1], most=100))
    by = ["", "X", "[\\1]", "\\2\\1", "<\\&>", "\\\\", "\\x", "ä\\"]
    yield from named("regexp_replace", [T, T, T], lists(SUBJECTS, REGEX, by, most=200))
    yield from named("regexp_replace", [T, T, T, T], lists(SUBJECTS, REGEX, by, flags + ["g"] * 8, most=300))
    yield from named("regexp_replace", [T, T, T, I], lists(SUBJECTS, REGEX, by, [1, 2, 0, 99], most=80))
    yield from named("regexp_replace", [T, T, T, I, I], lists(SUBJECTS, REGEX, by, [1, 2], [0, 1, 2, -1], most=80))
    yield from named("regexp_replace", [T, T, T, I, I, T], lists(SUBJECTS, REGEX, by, [1, 2], [0, 1, 2], flags, most=80))
    yield from named("substring", [T, T, T], lists(["foobar", "abcdefg", "", "aXb", "foo bar"], SIMILAR + ["%#\"b%#\"", "a#\"(b_d)#\"%", "a#\"%#\"g", "%((b|c)d)#\"%", '#"%#"_#"'], ["#", "\\", "", "ab"], most=90))
    # templates
    for t in (I, "bigint", N, D):
        values = {I: "0 1 -1 12 -485 999 1234 3999 4000 2147483647", "bigint": "0 -12 485 123456789012 -9223372036854775808", N: "0 0.1 -0.1 0.5 -12.454 148.5 1234567.891 -0.0001 99.999 12345678901234567890 0.00 1e-10 485 -3", D: "0 0.1 -12.45 148.5 1234567.891 1e20 NaN Infinity -Infinity 1e-5 123456789.123456789 -0.0 99.5"}[t].split()
        yield from named("to_char", [t, T], lists(values, NUMBER_TEMPLATES + [""], most=420))
    yield from named("to_char", [IV, T], lists(POOL[IV], TEMPLATES, most=350))
    yield from named("to_number", [T, T], TO_NUMBER)
    # times
    yield from auto("age", [TS, TS], 250)
    yield from named("date_bin", [IV, TS, TS], lists(["15 minutes", "1 day", "7 days", "1 mon", "0", "-1 day", "1 day 01:00", "0.1 sec"], POOL[TS], ["2001-01-01", "1970-01-01 00:02:30", "infinity", "2030-01-01"], most=200))
    yield from auto("isfinite", [TS])
    yield from auto("isfinite", [IV], 10)
    yield from auto("justify_interval", [IV])
    yield from named("make_timestamp", [I, I, I, I, I, D], lists([2024, -44, 0, 1, 300000, 1970, -4714], [1, 2, 13, 0, 12], [1, 29, 31, 0], [0, 23, 24, -1], [0, 59, 60], ["0", "59.9999999", "60", "-1", "7.5", "NaN"], most=250))
    yield from named("make_interval", [I] * 6 + [D], lists([0, 1, -1], [0, 14], [0, 2], [0, -3], [0, 25], [0, 90], ["0", "1.5", "NaN", "-0.000001", "1e10"], most=80))
    times = ["2024-01-01", "2024-01-05", "2024-01-10", "\\N"]
    spans = ["1 day", "-4 days", "5 days", "\\N"]
    yield from named("overlaps", [TS] * 4, lists(times, times, times, times))
    yield from named("overlaps", [TS, IV, TS, IV], lists(times, spans, times, spans, most=80))
    yield from named("overlaps", [TS, TS, TS, IV], lists(times, times, times, spans, most=80))
    yield from named("overlaps", [TS, IV, TS, TS], lists(times, spans, times, times, most=80))


DATES = ["1970-01-01", "2024-02-29", "2000-01-01", "1999-12-31", "0044-03-15 BC", "4714-11-24 BC", "5874897-12-31", "infinity", "-infinity", "2021-01-03", "1900-03-01", "0001-01-01"]
CLOCKS = ["00:00:00", "23:59:59.999999", "12:34:56.789", "24:00:00", "00:00:00.000001", "04:05:06"]
ZONED = [t if not t[0].isdigit() else t.replace(" BC", "+00 BC") if "BC" in t else t + "+00" for t in POOL[TS]]
JSON = [
    "null", "true", "false", "1", "1.50", "-0", "1e2", '"a"', '""', '"b c"', "[]", "{}", "[1, 2, 3]", '["a", "b", null, {"c": 1}]', '{"a": 1, "b": [1, 2, {"c": null}], "d": {"e": "f"}}', '{"a": null}', '[[1, 2], [3]]',
    '{"a": {"b": {"c": "x"}}}', '[{"a": 1}, {"a": 2, "b": true}, {"b": "z"}]', '"\\u00e4\\n\\"q"', '{"": 1, "a b": 2, "\u00e4": 3}', '[true, "1", 1, 1.0, null]', '{"k": [10, 20, 30, "x", [1]]}', "12345678901234567890.123",
]
PATHS = [
    "$", "$.a", "$.b[*]", "$.b[0]", "$.b[last]", "$.b[last - 1]", "$.b[0 to 1]", "$.b[0, 2]", "$.*", "$[*]", "$[0]", "$[1 to last]", "$.d.e", '$."a b"', "$.a.b.c", "$[*].a", "$.a[*]", "$.b.c", "$.size()", "$.type()", "$[*].type()", "$.k.size()", "$.k[*].double()", "$.a.double()",
    "$ ? (@ > 1)", "$[*] ? (@ > 1)", "$[*] ? (@.a > 1)", "$[*] ? (@.a == 1 || @.b == true)", "$[*] ? (@.a > 0 && @.a < 2)", "$[*] ? (!(@.a == 1))", "$[*] ? (exists(@.b))", '$[*] ? (@ like_regex "^a")', '$[*] ? (@ like_regex "^A" flag "i")', '$[*] ? (@ starts with "a")', "$[*] ? ((@ > 1) is unknown)", "$.a == 1", "$.a > 0", "$.a == null", '$[*] == "a"', "$[*] > 2", "$.b[*] ? (@ == 1)", "exists($.a)", "1", '"x"', "true", "null", "$.k[*] ? (@ >= 20)", "$[*] ? (@ <> 1)", "lax $.a", "$[5]", "$[-1]", "$.zz", "$.a.zz", "$.k ? (@[*] > 25)", "($.a)", "$.b[*].c", "$[0][1]", "$.a ? (@.b.c == \"x\")", "", "$.", "a", "$[", "$.a ?", "$ ? (@)", "@", "$x", "$.a == $x", "$.foo()", "$[*] ? (@ == $v)", "-1", "$[*] ? (@ == -1)", "$.a ? (1 == 1)",
]
KEYS = ["a", "b", "", "d", "zz", "a b", "ä", "1"]
TEXT_PATHS = ["{}", "{a}", "{b,0}", "{b,-1}", "{b,2,c}", "{d,e}", "{0}", "{1}", "{-1}", "{0,0}", "{a,b,c}", "{zz}", "{zz,y}", "{b,x}", "{NULL}", "{a,NULL}", "{5}", "{-9}", "{k,1}", "{k,9}", "{k, -9}"]


def typed_cases(named, rng):
    def lists(*choices, most=150):
        rows = list(itertools.product(*choices))
        return rng.sample(rows, most) if len(rows) > most else rows

    R, DT, TM, TZ, BY, JB = "real", "date", "time without time zone", "timestamp with time zone", "bytea", "jsonb"
    reals = "0 -0 1 -1.5 0.1 3.4028235e38 1e-45 NaN Infinity -Infinity 1e38 2 7 123456.78".split()
    for op in "+ - * /".split():
        yield from named(op, [R, R], lists(reals, reals))
    for op in ("-", "abs", "@"):
        yield from named(op, [R], [(v,) for v in reals])
    yield from named("to_char", [R, T], lists("0 1.5 -12.45 123456.78 1e20 NaN".split(), NUMBER_TEMPLATES, most=120))
    # dates and times
    days = [0, 1, -1, 30, 2147483647, -2147483648]
    yield from named("+", [DT, I], lists(DATES, days))
    yield from named("+", [I, DT], lists(days, DATES, most=30))
    yield from named("-", [DT, I], lists(DATES, days))
    yield from named("-", [DT, DT], lists(DATES, DATES))
    yield from named("+", [DT, IV], lists(DATES, POOL[IV]))
    yield from named("-", [DT, IV], lists(DATES, POOL[IV]))
    yield from named("+", [IV, DT], lists(POOL[IV], DATES, most=40))
    yield from named("+", [DT, TM], lists(DATES, CLOCKS))
    yield from named("+", [TM, DT], lists(CLOCKS, DATES, most=30))
    for op in "+ -".split():
        yield from named(op, [TM, IV], lists(CLOCKS, [v for v in POOL[IV] if "2562047788" not in v]))
        yield from named(op, [TZ, IV], lists(ZONED, POOL[IV], most=120))
    yield from named("+", [IV, TM], lists([v for v in POOL[IV] if "2562047788" not in v], CLOCKS, most=40))
    yield from named("+", [IV, TZ], lists(POOL[IV], ZONED, most=60))
    yield from named("-", [TM, TM], lists(CLOCKS, CLOCKS))
    yield from named("-", [TZ, TZ], lists(ZONED, ZONED, most=80))
    for name in ("extract", "date_part"):
        yield from named(name, [T, DT], lists(UNITS, DATES, most=260))
        yield from named(name, [T, TM], lists(UNITS, CLOCKS))
        yield from named(name, [T, TZ], lists(UNITS, ZONED, most=200))
    yield from named("date_trunc", [T, TZ], lists(UNITS, ZONED, most=150))
    yield from named("age", [TZ, TZ], lists(ZONED, ZONED, most=80))
    yield from named("isfinite", [DT], [(v,) for v in DATES])
    yield from named("isfinite", [TZ], [(v,) for v in ZONED])
    yield from named("date_bin", [IV, TZ, TZ], lists(["15 minutes", "1 day", "1 mon"], ZONED, ["2001-01-01 00:00:00+00"], most=50))
    yield from named("to_char", [TZ, T], lists(ZONED, TEMPLATES, most=150))
    yield from named("make_date", [I, I, I], lists([2024, -44, 0, 1, 6000000], [1, 2, 13, 0, 12], [1, 29, 31, 0]))
    yield from named("make_time", [I, I, D], lists([0, 23, 24, -1], [0, 59, 60], ["0", "59.9999999", "60", "-1", "7.5"]))
    yield from named("make_timestamptz", [I, I, I, I, I, D], lists([2024, -44, 0, 300000], [1, 2, 13], [1, 29, 31], [0, 23, 24], [0, 59], ["0", "59.5"], most=80))
    for types in ([TZ] * 4, [TZ, IV, TZ, IV], [TZ, TZ, TZ, IV], [TZ, IV, TZ, TZ]):
        yield from named("overlaps", types, lists(*[["2024-01-01 00:00:00+00", "2024-01-05 00:00:00+00", "2024-01-10 00:00:00+00", "\\N"] if t == TZ else ["1 day", "-4 days", "5 days"] for t in types], most=40))
    for types in ([TM] * 4, [TM, IV, TM, IV], [TM, TM, TM, IV], [TM, IV, TM, TM]):
        yield from named("overlaps", types, lists(*[["01:00", "05:00", "10:00", "\\N"] if t == TM else ["1 hour", "-4 hours", "25 hours"] for t in types], most=40))
    yield from named("to_timestamp", [T, T], TIME_INPUT)
    yield from named("to_date", [T, T], TIME_INPUT)
    yield from named("to_timestamp", [D], [(v,) for v in "0 1.5 -1 1e9 1704067200.123456 NaN Infinity -Infinity 1e20 -3e11 253402300799.999".split()])
    # bytea
    blobs = ["\\x", "\\x00", "\\xdeadbeef", "\\x616263", "\\xff00ff", "\\x5c", "\\xc3a4", "\\x" + "41" * 60]
    for name in "length octet_length bit_length bit_count md5 sha224 sha256 sha384 sha512".split():
        yield from named(name, [BY], [(v,) for v in blobs])
    yield from named("md5", [T], [(v,) for v in POOL[T]])
    yield from named("||", [BY, BY], lists(blobs, blobs))
    yield from named("position", [BY, BY], lists(blobs, ["\\x", "\\xad", "\\x6263", "\\xff"]))
    for name in ("substring", "substr"):
        yield from named(name, [BY, I], lists(blobs, [-1, 0, 1, 2, 9]))
        yield from named(name, [BY, I, I], lists(blobs, [-1, 0, 1, 2, 9], [-1, 0, 1, 2147483647]))
    yield from named("overlay", [BY, BY, I], lists(blobs[:5], ["\\x", "\\xaabb"], [0, 1, 2, 9]))
    yield from named("overlay", [BY, BY, I, I], lists(["\\x61", "\\x6162"], ["\\x62"], [1, 2, 2147483647], [-2147483648, 2147483647]))
    yield from named("overlay", [BY, BY, I, I], lists(blobs[:5], ["\\x", "\\xaabb"], [0, 1, 2], [-1, 0, 2, 9]))
    for name in "btrim ltrim rtrim".split():
        yield from named(name, [BY, BY], lists(blobs, ["\\x", "\\xff", "\\x6163", "\\x41"]))
    yield from named("get_byte", [BY, I], lists(blobs, [-1, 0, 1, 3]))
    yield from named("get_bit", [BY, "bigint"], lists(blobs, [-1, 0, 1, 9, 31]))
    yield from named("set_byte", [BY, I, I], lists(blobs, [-1, 0, 1], [0, 255, 256, -1]))
    yield from named("set_bit", [BY, "bigint", I], lists(blobs, [-1, 0, 9], [0, 1, 2]))
    yield from named("encode", [BY, T], lists(blobs, ["hex", "base64", "escape", "HEX", "x"]))
    yield from named("decode", [T, T], lists(["", "deadbeef", "DE AD", "abc", "zz", "YWJj", "YWI=", "YQ==", "YQ=", "Y", "YQ==YQ==", "=", "a\\\\b", "\\000\\377", "\\9", "a b", "äö"], ["hex", "base64", "escape"]))
    yield from named("convert_to", [T, T], lists(["", "abc", "äö€"], ["UTF8", "utf-8", "nope"]))
    yield from named("convert_from", [BY, T], lists(["\\x", "\\x616263", "\\xc3a4", "\\xff", "\\xc3", "\\x00", "\\xe28228", "\\xeda080", "\\xf09f9880"], ["UTF8", "nope"]))
    # jsonb
    for op in ("->", "->>", "?", "-"):
        yield from named(op, [JB, T], lists(JSON, KEYS))
    for op in ("->", "->>", "-"):
        yield from named(op, [JB, I], lists(JSON, [0, 1, -1, 5, -9]))
    for op in ("#>", "#>>", "#-"):
        yield from named(op, [JB, "text[]"], lists(JSON, TEXT_PATHS, most=260))
    for op in ("?|", "?&", "-"):
        yield from named(op, [JB, "text[]"], lists(JSON, ["{}", "{a}", "{a,b}", "{zz,a}", "{NULL,a}", "{1}"], most=100))
    for op in ("@>", "<@", "||"):
        yield from named(op, [JB, JB], lists(JSON, JSON, most=400))
    for name in "jsonb_typeof jsonb_array_length jsonb_strip_nulls jsonb_pretty".split():
        yield from named(name, [JB], [(v,) for v in JSON])
    yield from named("jsonb_set", [JB, "text[]", JB, "boolean"], lists(JSON, TEXT_PATHS, ['"new"', "[1]"], ["t", "f"], most=350))
    yield from named("jsonb_insert", [JB, "text[]", JB, "boolean"], lists(JSON, TEXT_PATHS, ['"new"', "[1]"], ["t", "f"], most=350))
    yield from named("jsonb_extract_path", [JB, T, T], lists(JSON, ["a", "b", "0", "d"], ["b", "0", "-1", "e"], most=80))
    yield from named("jsonb_extract_path_text", [JB, T], lists(JSON, KEYS, most=80))
    yield from named("jsonb_extract_path_text", [JB, T, T], lists(JSON, ["a", "b", "0", "d"], ["b", "0", "-1", "e"], most=80))
    yield from named("jsonb_object", ["text[]"], [(v,) for v in ["{}", "{a,1}", "{a,1,b,NULL}", "{a}", "{NULL,1}", "{a,1,a,2}"]])
    yield from named("jsonb_object", ["text[]", "text[]"], lists(["{}", "{a}", "{a,b}", "{NULL}"], ["{}", "{1}", "{1,NULL}"]))
    yield "jsonb_build_object()", [], ()
    yield "jsonb_build_array()", [], ()
    some = {T: ["a", "", 'q"', "\\N"], I: ["1", "-5", "\\N"], "boolean": ["t", "f", "\\N"], N: ["1.50", "\\N"], TS: ["2024-01-02 03:04:05", "infinity"], IV: ["1 day"], D: ["0.1", "NaN", "1e15", "\\N"], JB: ['{"a": 1}', "null", "\\N"], DT: ["2024-02-29"], TZ: ["2024-01-02 03:04:05.5+00"], TM: ["01:02:03"], R: ["1.5", "Infinity"], "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], BY: ["\\xdead"], "integer[]": ["{1,NULL}", "{}"], "text[]": ["{a,NULL,\"b c\"}"]}
    for t in some:
        yield from named("to_jsonb", [t], [(v,) for v in some[t]])
    for types in ([T, I], [I, JB], ["boolean", TS], [DT, T, N, D], [T, "integer[]", TZ, TM], ["integer[]", I], [JB, I], [T]):
        for _ in range(5):
            row = [rng.choice(some[t]) for t in types]
            yield from named("jsonb_build_array", types, [row])
            yield from named("jsonb_build_object", types, [row])
    rows = [(j, p, v, s) for j in JSON for p in PATHS for v in ("{}", '{"v": 1, "x": 2}', "[]") for s in "tf"]
    for name in "jsonb_path_exists jsonb_path_match jsonb_path_query_array jsonb_path_query_first".split():
        yield from named(name, [JB, T, JB, "boolean"], rng.sample(rows, 350))
    for op in ("@?", "@@"):
        yield from named(op, [JB, T], lists(JSON, [p for p in PATHS if "$x" not in p and "$v" not in p], most=250))
    # arrays
    arrays = {I: ["{}", "{1}", "{1,2,3}", "{NULL,2}", "{2,2,1}", "\\N"], T: ["{}", "{a}", "{a,b,\"c d\"}", "{NULL,\"\"}", "\\N"], N: ["{}", "{1.0,2.50}", "{1.00}", "{NULL}"], DT: ["{2024-01-01}", "{2024-01-01,infinity,NULL}"]}
    values = {I: ["1", "2", "9", "\\N"], T: ["a", "", "zz", "\\N"], N: ["1", "2.5", "\\N"], DT: ["2024-01-01", "\\N"]}
    for t in arrays:
        a = t + "[]"
        for name in ("cardinality", "array_ndims", "array_dims"):
            yield from named(name, [a], [(v,) for v in arrays[t]])
        for name in ("array_length", "array_lower", "array_upper"):
            yield from named(name, [a, I], lists(arrays[t], [0, 1, 2]))
        for name in ("array_append", "||", "array_remove", "array_position", "array_positions"):
            yield from named(name, [a, t], lists(arrays[t], values[t]))
        for name in ("array_prepend", "||"):
            yield from named(name, [t, a], lists(values[t], arrays[t]))
        for name in ("array_cat", "||", "@>", "<@", "&&"):
            yield from named(name, [a, a], lists(arrays[t], arrays[t]))
        yield from named("array_position", [a, t, I], lists(arrays[t], values[t], [1, 2, 0, -1, 9]))
        yield from named("array_replace", [a, t, t], lists(arrays[t], values[t], values[t], most=40))
        yield from named("array_to_string", [a, T], lists(arrays[t], [",", "", "\\N"]))
        yield from named("array_to_string", [a, T, T], lists(arrays[t], [",", ""], ["*", "\\N"]))
        yield from named("array_fill", [t, "integer[]"], lists(values[t], ["{0}", "{3}", "{}", "{NULL}", "{-1}"]))
        yield from named("trim_array", [a, I], lists(arrays[t], [0, 1, 3, -1]))
        yield from named("[]", [a, I], lists(arrays[t], [0, 1, 2, 9, -1]))
        yield from named("[:]", [a, I, I], lists(arrays[t], [0, 1, 2, 9], [-1, 0, 1, 2, 9]))
        yield from named("{}", [t], [(v,) for v in values[t]])
        yield from named("{}", [t, t], lists(values[t], values[t]))
        for op in "= <> < <= > >=".split():
            for quantifier in ("any", "all"):
                yield from named(f"{op} {quantifier}", [t, a], lists(values[t], arrays[t]))
    yield from named("width_bucket", [I, "integer[]"], lists([0, 1, 2, 5], ["{1,2,3}", "{1}", "{NULL}", "{}"]))
    for op in ("~~", "~", "~~*", "!~~"):
        for quantifier in ("any", "all"):
            yield from named(f"{op} {quantifier}", [T, "text[]"], lists(["abc", "", "\\N"], ["{}", "{a%,b}", "{^a,c$}", "{NULL,%}", "{ABC}"]))
    yield from named("string_to_array", [T, T], lists(["", "a,b,,c", "abc", "äö", "\\N"], [",", "", "b", "\\N"]))
    yield from named("string_to_array", [T, T, T], lists(["", "a,b,,c", "abc", "äö"], [",", "", "\\N"], ["", "b", "\\N"]))
    for name in ("regexp_match", "regexp_split_to_array"):
        yield from named(name, [T, T], lists(SUBJECTS, REGEX, most=150))
        yield from named(name, [T, T, T], lists(SUBJECTS, REGEX, ["", "i", "g", "n"], most=80))


def quote(text, type):
    # Without a length, character is that of one.
    type = "bpchar" if type == "character" else type
    if text == "\\N":
        return f"NULL::{type}"
    escaped = text.replace("'", "''")
    return f"('{escaped}'::{type})"


def sql(key, types, row):
    name = key[: key.index("(")]
    a = [quote(v, t) for v, t in zip(row, types)]
    if name == "cast_fields":
        field = ["year", "month", "day", "hour", "minute", f"second({row[2]})"][row[1] if isinstance(row[1], int) else int(row[1])]
        return f"CAST({a[0]} AS interval {field}{'[]' if types[0].endswith('[]') else ''})"
    if name.startswith("cast_"):
        target = {"double": D, "timestamp": TS}.get(name[5:], name[5:])
        return f"CAST({a[0]} AS {target})"
    if name == "is_distinct":
        return f"{a[0]} IS DISTINCT FROM {a[1]}"
    if name == "[]":
        return f"({a[0]})[{a[1]}]"
    if name == "[:]":
        return f"({a[0]})[{a[1]}:{a[2]}]"
    if name == "{}":
        return f"ARRAY[{', '.join(a)}]"
    if name.endswith((" any", " all")):
        op, quantifier = name.split(" ")
        return f"{a[0]} {op} {quantifier} ({a[1]})"
    if name.startswith("jsonb_path_") or name in ("@?", "@@"):
        a[1] = f"({a[1]})::jsonpath"
    if name == "numeric_scale":
        return f"CAST({a[0]} AS numeric({row[1]},{row[2]}))"
    if name == "tumble_start":
        return f"date_bin({a[1]}, {a[0]}, '1970-01-01'::timestamp)"  # UTC is the zone
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


# Functions of numeric whose results are of other types.
REGEX_NAMES = "~ ~* !~ !~* regexp_like regexp_count regexp_instr regexp_substr regexp_replace regexp_match regexp_split_to_array substring".split()
NOT_NUMERIC = "to_char width_bucket scale min_scale num_nulls num_nonnulls concat concat_ws format quote_literal quote_nullable".split()


def difference(key, types, row, expected):
    """The answer expected here where it differs on purpose; None leaves the case out."""
    numeric_result = expected is not None and not expected.startswith("!")
    name = key[: key.index("(")]
    if name == "array_fill" and expected and expected.startswith("!54000"):
        return "!54000"
    if expected and expected.startswith("!22003 value overflows numeric format"):
        return "!22003"
    if name in REGEX_NAMES and any("(?=" in v for v in row[1:2]) and not (expected or "").startswith("!22023"):
        return "!0A000"
    if name in REGEX_NAMES and types[2:] and types[-1] == T and name != "substring" and row[-1] == "e":
        return "!0A000"
    if name == "to_char" and types[0] == I and "V" in row[1] and abs(int(row[0])) > 10**6:
        return None  # PostgreSQL's product wraps around
    if name == "to_char" and types[0] == IV and row[0] in ("178956970 years", "2147483647 days", "-2147483648 days"):
        return None  # its calendar wraps around
    if name.startswith("jsonb_path_") or name in ("@?", "@@"):
        path = row[1]
        if ".foo()" in path:
            return "!42601"
        if expected and expected.startswith("!42601") or expected and expected.startswith("!22P02"):
            return "!"
    if name == "to_char" and types[0] == TS[:9] + " with time zone" and "infinity" in row[0]:
        return expected
    if name == "extract" and "infinity" in row[-1] and expected in ("Infinity", "-Infinity"):
        return None
    if name == "make_timestamptz" and len(types) == 7 and expected and expected.startswith("!22023"):
        return "!22023"
    if name == "age" and "infinity" in " ".join(row):
        return "!22008"
    result_is_numeric = name in ("cast_numeric", "extract", "factorial", "to_number") or (N in types and not name.startswith(("cast_", "=", "<", ">", "is_d")) and name not in NOT_NUMERIC)
    if result_is_numeric and numeric_result:
        if expected in ("NaN", "Infinity", "-Infinity"):
            return None if name == "extract" else "!"
        if name != "extract":
            digits = expected.replace("-", "").replace(".", "").lstrip("0")
            scale = len(expected.split(".")[1]) if "." in expected else 0
            if len(digits) > 38 or scale > 38:
                return "!22003"
    return expected


def main(cases=cases, sql=sql, difference=difference):
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
        plain = None if answer == "\\N" else re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m.group(1), m.group(1)), answer)
        if plain and plain.startswith("!42883"):
            raise SystemExit(f"PostgreSQL does not have {key}: {plain}")
        changed = difference(key, types, row, plain)
        if changed is None and plain is not None:
            continue
        fields = [key] + [v if v == "\\N" else escape(v) for v in row] + ["\\N" if changed is None else escape(changed)]
        print("\t".join(fields))


if __name__ == "__main__":
    main()
