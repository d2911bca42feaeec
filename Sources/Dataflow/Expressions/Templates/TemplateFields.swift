/// What to_char shows of a time or an interval, and to_timestamp collects: PostgreSQL's `tm`, with its integer calendar, which is
/// also defined for months and days out of range.
struct TemplateFields {
    /// 0 is 1 BC; of an interval, whole years.
    var year = 0
    var month = 1
    var day = 1
    var hour = 0
    var minute = 0
    var second = 0
    var microsecond = 0
    var isInterval = false
    var dayOfYear = 0
    /// East of Greenwich.
    var zoneSeconds = 0
    var zoneName = ""

    init() {}

    init(timestamp: Int64, zoneName: String = "") {
        let fields = Calendar.fields(timestamp)
        (year, month, day) = (fields.year, fields.month, fields.day)
        setClock(fields.microsecondsOfDay)
        dayOfYear = julianDay - Self.julianDay(year, 1, 1) + 1
        self.zoneName = zoneName
    }

    init(interval: Interval) {
        isInterval = true
        year = Int(interval.months / 12)
        month = Int(interval.months % 12)
        day = Int(interval.days)
        setClock(interval.microseconds)
        dayOfYear = (year * 12 + month) * 30 + day
    }

    private mutating func setClock(_ microseconds: Int64) {
        hour = Int(microseconds / 3_600_000_000)
        minute = Int(microseconds / 60_000_000 % 60)
        second = Int(microseconds / 1_000_000 % 60)
        microsecond = Int(microseconds % 1_000_000)
    }

    // MARK: calendar

    var julianDay: Int { Self.julianDay(year, month, day) }

    /// PostgreSQL's date2j.
    static func julianDay(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let (y, m) = month > 2 ? (year + 4800, month + 1) : (year + 4799, month + 13)
        let century = y / 100
        return y * 365 - 32_167 + y / 4 - century + century / 4 + 7834 * m / 256 + day
    }

    static func date(julianDay: Int) -> (year: Int, month: Int, day: Int) {
        Calendar.date(days: julianDay - 2_440_588)
    }

    /// 0 is Sunday.
    static func weekday(julianDay: Int) -> Int {
        let rest = (julianDay + 1) % 7
        return rest < 0 ? rest + 7 : rest
    }

    var weekday: Int { Self.weekday(julianDay: julianDay) }

    /// The Julian day of the Monday of an ISO week.
    static func isoWeekStart(_ year: Int, _ week: Int) -> Int {
        let day4 = julianDay(year, 1, 4)
        return (week - 1) * 7 + day4 - weekday(julianDay: day4 - 1)
    }

    var isoWeek: (year: Int, week: Int) {
        let today = julianDay
        var isoYear = year
        var first = Self.isoWeekStart(isoYear, 1)
        if today < first {
            isoYear -= 1
            first = Self.isoWeekStart(isoYear, 1)
        }
        var week = (today - first) / 7 + 1
        if week >= 52 {
            let next = Self.isoWeekStart(year + 1, 1)
            if today >= next {
                week = (today - next) / 7 + 1
                isoYear += 1
            }
        }
        return (isoYear, week)
    }

    var isoDayOfYear: Int { julianDay - Self.isoWeekStart(isoWeek.year, 1) + 1 }
}
