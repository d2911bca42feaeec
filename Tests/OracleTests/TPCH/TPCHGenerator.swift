/// TPC-H's tables from a seed, with the specification's numbers of rows and distributions (TPC-H 4.2.3), as a stream of changes.
struct TPCHGenerator {
    /// By number, as ``StreamChange/table`` says it.
    enum Table: Int, CaseIterable {
        case region, nation, part, supplier, partsupp, customer, orders, lineitem
    }

    let parts: Int
    let suppliers: Int
    let customers: Int
    let orders: Int
    /// Orders of one refresh: the specification's 0.1 %.
    let refresh: Int
    private let scale: Double
    private var rng: SeededGenerator

    init(scale: Double, seed: UInt64) {
        func rows(_ atOne: Double) -> Int { max(Int((atOne * scale).rounded()), 1) }
        self.scale = scale
        parts = rows(200_000)
        suppliers = rows(10_000)
        customers = rows(150_000)
        orders = rows(1_500_000)
        refresh = rows(1_500)
        rng = SeededGenerator(seed: seed)
    }

    private mutating func between(_ low: Int, _ high: Int) -> Int { low + rng.below(high - low + 1) }

    private func insert(_ table: Table, partition: Int, _ row: [String]) -> StreamChange {
        StreamChange(table: table.rawValue, partition: partition & 1, row: row)
    }

    /// Hundredths as a decimal.
    static func money(_ cents: Int) -> String {
        let (whole, rest) = (abs(cents) / 100, abs(cents) % 100)
        return "\(cents < 0 ? "-" : "")\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }

    private func padded(_ prefix: String, _ number: Int) -> String {
        let digits = String(number)
        return prefix + String(repeating: "0", count: max(9 - digits.count, 0)) + digits
    }

    private mutating func phone(_ nation: Int) -> String {
        "\(nation + 10)-\(between(100, 999))-\(between(100, 999))-\(between(1000, 9999))"
    }

    // MARK: the tables that orders refer to

    mutating func fixed() -> [StreamChange] {
        var changes: [StreamChange] = []
        for (number, name) in TPCHText.regions.enumerated() {
            changes.append(
                insert(.region, partition: number, [String(number), name, TPCHText.comment(31...115, &rng)]))
        }
        for (number, nation) in TPCHText.nations.enumerated() {
            changes.append(
                insert(
                    .nation, partition: number,
                    [String(number), nation.name, String(nation.region), TPCHText.comment(31...114, &rng)]))
        }
        return changes
    }

    mutating func supplier(_ key: Int) -> StreamChange {
        let nation = rng.below(25)
        var comment = TPCHText.comment(25...100, &rng)
        // Five suppliers of 10 000 have complaints, five are recommended; at least one of each.
        let marked = max(Int(5 * scale), 1)
        let mark = key <= marked ? "Complaints" : key <= 2 * marked ? "Recommends" : nil
        if let mark {
            let words = "Customer \(rng.pick(["", "final ", "slyly "]))\(mark)"
            comment = words + comment.dropFirst(words.count)
        }
        return insert(
            .supplier, partition: key,
            [
                String(key), padded("Supplier#", key), TPCHText.address(&rng), String(nation), phone(nation),
                Self.money(between(-99_999, 999_999)), comment,
            ])
    }

    mutating func part(_ key: Int) -> [StreamChange] {
        var names: [String] = []
        while names.count < 5 {
            let color = rng.pick(TPCHText.colors)
            if !names.contains(color) { names.append(color) }
        }
        let maker = between(1, 5)
        let type = "\(rng.pick(TPCHText.typeSizes)) \(rng.pick(TPCHText.typeFinishes)) \(rng.pick(TPCHText.typeMetals))"
        var changes = [
            insert(
                .part, partition: key,
                [
                    String(key), names.joined(separator: " "), "Manufacturer#\(maker)",
                    "Brand#\(maker)\(between(1, 5))", type,
                    String(between(1, 50)), "\(rng.pick(TPCHText.containerSizes)) \(rng.pick(TPCHText.containers))",
                    Self.money(retailPrice(key)), TPCHText.comment(5...22, &rng),
                ])
        ]
        for number in 0..<4 {
            changes.append(
                insert(
                    .partsupp, partition: key,
                    [
                        String(key), String(supplier(of: key, number)), String(between(1, 9999)),
                        Self.money(between(100, 100_000)),
                        TPCHText.comment(49...198, &rng),
                    ]))
        }
        return changes
    }

    private func retailPrice(_ part: Int) -> Int { 90_000 + part / 10 % 20_001 + 100 * (part % 1000) }

    private func supplier(of part: Int, _ number: Int) -> Int {
        (part + number * (suppliers / 4 + (part - 1) / suppliers)) % suppliers + 1
    }

    mutating func customer(_ key: Int) -> StreamChange {
        let nation = rng.below(25)
        return insert(
            .customer, partition: key,
            [
                String(key), padded("Customer#", key), TPCHText.address(&rng), String(nation), phone(nation),
                Self.money(between(-99_999, 999_999)), rng.pick(TPCHText.segments), TPCHText.comment(29...116, &rng),
            ])
    }

    // MARK: orders

    /// Order keys use the first eight of each 32 numbers; those of refreshes the next eight.
    private func orderKey(_ number: Int, isRefresh: Bool) -> Int { number / 8 * 32 + number % 8 + (isRefresh ? 9 : 1) }

    /// An order and its lines.
    mutating func order(_ number: Int, isRefresh: Bool = false) -> [StreamChange] {
        let key = orderKey(number, isRefresh: isRefresh)
        var customer = between(1, customers)
        while customer % 3 == 0 { customer = between(1, customers) }
        // Days since 1992-01-01, up to 151 days before the end of 1998.
        let ordered = rng.below(2557 - 151)
        let current = 1263  // 1995-06-17
        var lines: [StreamChange] = []
        var total = 0
        var shipped = 0
        let count = between(1, 7)
        for line in 1...count {
            let part = between(1, parts)
            let quantity = between(1, 50)
            let price = quantity * retailPrice(part)
            let (discount, tax) = (rng.below(11), rng.below(9))
            let shipDay = ordered + between(1, 121)
            let commitDay = ordered + between(30, 90)
            let receiptDay = shipDay + between(1, 30)
            let returnFlag = receiptDay <= current ? rng.pick(["R", "A"]) : "N"
            if shipDay <= current { shipped += 1 }
            total += Int((Double(price * (100 + tax) * (100 - discount)) / 10_000).rounded())
            lines.append(
                insert(
                    .lineitem, partition: key,
                    [
                        String(key), String(part), String(supplier(of: part, rng.below(4))), String(line),
                        "\(quantity).00",
                        Self.money(price), Self.money(discount), Self.money(tax), returnFlag,
                        shipDay > current ? "O" : "F",
                        Self.day(shipDay), Self.day(commitDay), Self.day(receiptDay), rng.pick(TPCHText.instructions),
                        rng.pick(TPCHText.modes), TPCHText.comment(10...43, &rng),
                    ]))
        }
        let status = shipped == count ? "F" : shipped == 0 ? "O" : "P"
        let clerk = padded("Clerk#", between(1, max(Int(1000 * scale), 1)))
        let order = insert(
            .orders, partition: key,
            [
                String(key), String(customer), status, Self.money(total), Self.day(ordered),
                rng.pick(TPCHText.priorities), clerk,
                "0", TPCHText.comment(19...78, &rng),
            ])
        return [order] + lines
    }

    /// The deletes of an order and its lines, given what was inserted.
    static func deletes(of changes: [StreamChange]) -> [StreamChange] {
        changes.map { change in
            var change = change
            change.isDelete = true
            return change
        }
    }

    /// A date by its number of days since 1992-01-01.
    static func day(_ number: Int) -> String {
        var (year, rest) = (1992, number)
        while true {
            let length = year % 4 == 0 ? 366 : 365
            if rest < length { break }
            rest -= length
            year += 1
        }
        var month = 1
        for length in [31, year % 4 == 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if rest < length { break }
            rest -= length
            month += 1
        }
        return "\(year)-\(month < 10 ? "0" : "")\(month)-\(rest < 9 ? "0" : "")\(rest + 1)"
    }
}
