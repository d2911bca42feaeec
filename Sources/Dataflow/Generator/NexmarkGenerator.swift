import Glibc

/// The Nexmark events (github.com/nexmark/nexmark): a pure function of the seed and the event's number, made straight into columns.
///
/// Of 50 events the first is a person, the next three are auctions and 46 are bids. Every column of every event is made in
/// full, whatever is read of it.
package final class NexmarkGenerator: Sendable {
    package let configuration: NexmarkConfiguration
    private let priceTable: [Double]

    /// The tables' columns.
    package static let schemas: [String: [ColumnSchema]] = [
        "person": columns([
            ("id", .bigint), ("name", .text), ("email_address", .text), ("credit_card", .text), ("city", .text),
            ("state", .text),
            ("date_time", .timestamp), ("extra", .text),
        ]),
        "auction": columns([
            ("id", .bigint), ("item_name", .text), ("description", .text), ("initial_bid", .bigint),
            ("reserve", .bigint),
            ("date_time", .timestamp), ("expires", .timestamp), ("seller", .bigint), ("category", .bigint),
            ("extra", .text),
        ]),
        "bid": columns([
            ("auction", .bigint), ("bidder", .bigint), ("price", .bigint), ("channel", .text), ("url", .text),
            ("date_time", .timestamp), ("extra", .text),
        ]),
    ]

    private static func columns(_ list: [(String, DataType)]) -> [ColumnSchema] {
        list.map { ColumnSchema(name: $0.0, type: $0.1, isNullable: false) }
    }

    // The reference generator's constants.
    private static let group = 50
    private static let auctionsPerGroup = 3
    private static let firstID = 1000
    private static let hotRounding = 100
    private static let inFlightAuctions = 100
    private static let activePeople = 1000
    private static let lead = 10
    private static let firstCategory = 10
    private static let categories = 5
    private static let coldChannels = 10_000

    package init(_ configuration: NexmarkConfiguration) {
        self.configuration = configuration
        // 10^(6u) × 100 at 4 097 points; prices between are interpolated.
        priceTable = (0...4096).map { 100 * pow(10, 6 * Double($0) / 4096) }
    }

    /// Events `offset ..< offset + count` of a partition.
    package func generate(partition: Int, from offset: Int64, count: Int) -> NexmarkBatch {
        var people: [Int64] = []
        var auctions: [Int64] = []
        var bids: [Int64] = []
        bids.reserveCapacity(count)
        let stride = Int64(configuration.partitions)
        for index in 0..<Int64(count) {
            switch ((offset + index) * stride + Int64(partition)) % Int64(Self.group) {
            case 0: people.append(offset + index)
            case 1...3: auctions.append(offset + index)
            default: bids.append(offset + index)
            }
        }
        return NexmarkBatch(
            person: people.isEmpty ? nil : makePeople(partition, people),
            auction: auctions.isEmpty ? nil : makeAuctions(partition, auctions),
            bid: bids.isEmpty ? nil : makeBids(partition, bids))
    }

    // MARK: columns

    private func makeBids(_ partition: Int, _ offsets: [Int64]) -> Delta {
        let rows = offsets.count
        let auction = ColumnBuffer(capacity: rows * 8)
        let bidder = ColumnBuffer(capacity: rows * 8)
        let price = ColumnBuffer(capacity: rows * 8)
        let time = ColumnBuffer(capacity: rows * 8)
        var channel = NexmarkTextColumn(rows: rows, bytesPerRow: 13)
        var url = NexmarkTextColumn(rows: rows, bytesPerRow: 84)
        var extra = NexmarkTextColumn(rows: rows, bytesPerRow: 88)
        priceTable.withUnsafeBufferPointer { prices in
            for row in 0..<rows {
                let number = number(partition, offsets[row])
                var random = NexmarkRandom(seed: configuration.seed, number: UInt64(number))
                let group = Int(number) / Self.group
                let lastAuction = group * Self.auctionsPerGroup + Self.auctionsPerGroup - 1
                let choice = random.next()
                // Bits of one word decide the three coins.
                let hotAuction = choice & 1 == 0
                let hotBidder = choice >> 1 & 3 != 0
                let hotChannel = choice >> 3 & 1 == 0
                let oldest = max(lastAuction - Self.inFlightAuctions, 0)
                let auctionID =
                    hotAuction
                    ? lastAuction / Self.hotRounding * Self.hotRounding
                    : oldest + random.below(lastAuction - oldest + 1 + Self.lead)
                let bidderID = hotBidder ? group / Self.hotRounding * Self.hotRounding + 1 : person(group, &random)
                auction.base.storeBytes(of: Int64(auctionID + Self.firstID), toByteOffset: row &* 8, as: Int64.self)
                bidder.base.storeBytes(of: Int64(bidderID + Self.firstID), toByteOffset: row &* 8, as: Int64.self)
                price.base.storeBytes(of: Self.price(random.next(), prices), toByteOffset: row &* 8, as: Int64.self)
                time.base.storeBytes(of: eventTime(number), toByteOffset: row &* 8, as: Int64.self)
                if hotChannel {
                    let which = Int(choice >> 4 & 3)
                    switch which {
                    case 0: channel.append("Google")
                    case 1: channel.append("Facebook")
                    case 2: channel.append("Baidu")
                    default: channel.append("Apple")
                    }
                    appendURL(UInt64(which) &+ 1 << 32, &url)
                } else {
                    let which = random.below(Self.coldChannels)
                    channel.append("channel-")
                    channel.append(number: UInt64(which))
                    appendURL(UInt64(which), &url)
                    if random.below(10) > 0 {
                        url.append("&channel_id=")
                        url.append(number: UInt64(Self.reversed(which)))
                    }
                }
                channel.endRow()
                url.endRow()
                extra.append(letters: Self.padding(32, to: 100, &random), &random)
                extra.endRow()
            }
        }
        let times = fixed(.timestamp, rows, time)
        return delta(
            partition, offsets, times,
            [
                fixed(.bigint, rows, auction), fixed(.bigint, rows, bidder), fixed(.bigint, rows, price),
                channel.finish(), url.finish(),
                times, extra.finish(),
            ])
    }

    private func makeAuctions(_ partition: Int, _ offsets: [Int64]) -> Delta {
        let rows = offsets.count
        let numbers = (0..<7).map { _ in ColumnBuffer(capacity: rows * 8) }
        var item = NexmarkTextColumn(rows: rows, bytesPerRow: 24)
        var description = NexmarkTextColumn(rows: rows, bytesPerRow: 104)
        var extra = NexmarkTextColumn(rows: rows, bytesPerRow: 600)
        // The event time that the next 100 auctions take, in microseconds.
        let horizon =
            Int64(Self.inFlightAuctions * Self.group / Self.auctionsPerGroup) * 1_000_000
            / Int64(configuration.eventsPerSecond)
        priceTable.withUnsafeBufferPointer { prices in
            for row in 0..<rows {
                let number = number(partition, offsets[row])
                var random = NexmarkRandom(seed: configuration.seed, number: UInt64(number))
                let group = Int(number) / Self.group
                let position = Int(number) % Self.group - 1
                let isHot = random.next() & 3 != 0
                let seller = isHot ? group / Self.hotRounding * Self.hotRounding : person(group, &random)
                let initial = Self.price(random.next(), prices)
                let time = eventTime(number)
                let values = [
                    Int64(group * Self.auctionsPerGroup + position + Self.firstID), initial,
                    initial + Self.price(random.next(), prices), time,
                    time + 1000 + Int64(random.below(Int(max(2 * horizon, 1)))), Int64(seller + Self.firstID),
                    Int64(Self.firstCategory + random.below(Self.categories)),
                ]
                for (index, value) in values.enumerated() {
                    numbers[index].base.storeBytes(of: value, toByteOffset: row * 8, as: Int64.self)
                }
                let itemLength = 3 + random.below(17)
                let descriptionLength = 3 + random.below(97)
                item.append(letters: itemLength, &random)
                item.endRow()
                description.append(letters: descriptionLength, &random)
                description.endRow()
                extra.append(letters: Self.padding(8 * 7 + itemLength + descriptionLength, to: 500, &random), &random)
                extra.endRow()
            }
        }
        let times = fixed(.timestamp, rows, numbers[3])
        return delta(
            partition, offsets, times,
            [
                fixed(.bigint, rows, numbers[0]), item.finish(), description.finish(), fixed(.bigint, rows, numbers[1]),
                fixed(.bigint, rows, numbers[2]), times, fixed(.timestamp, rows, numbers[4]),
                fixed(.bigint, rows, numbers[5]),
                fixed(.bigint, rows, numbers[6]), extra.finish(),
            ])
    }

    private func makePeople(_ partition: Int, _ offsets: [Int64]) -> Delta {
        let rows = offsets.count
        let id = ColumnBuffer(capacity: rows * 8)
        let time = ColumnBuffer(capacity: rows * 8)
        var name = NexmarkTextColumn(rows: rows, bytesPerRow: 24)
        var email = NexmarkTextColumn(rows: rows, bytesPerRow: 32)
        var card = NexmarkTextColumn(rows: rows, bytesPerRow: 20)
        var city = NexmarkTextColumn(rows: rows, bytesPerRow: 16)
        var state = NexmarkTextColumn(rows: rows, bytesPerRow: 2)
        var extra = NexmarkTextColumn(rows: rows, bytesPerRow: 250)
        for row in 0..<rows {
            let number = number(partition, offsets[row])
            var random = NexmarkRandom(seed: configuration.seed, number: UInt64(number))
            let starts = [name.position, email.position, city.position]
            id.base.storeBytes(
                of: Int64(Int(number) / Self.group + Self.firstID), toByteOffset: row * 8, as: Int64.self)
            time.base.storeBytes(of: eventTime(number), toByteOffset: row * 8, as: Int64.self)
            name.append(Self.firstNames[random.below(Self.firstNames.count)])
            name.append(byte: 0x20)
            name.append(Self.lastNames[random.below(Self.lastNames.count)])
            name.endRow()
            email.append(letters: 3 + random.below(5), &random)
            email.append(byte: 0x40)
            email.append(letters: 3 + random.below(3), &random)
            email.append(".com")
            email.endRow()
            for part in 0..<4 {
                if part > 0 { card.append(byte: 0x20) }
                card.append(fourDigits: random.below(10_000))
            }
            card.endRow()
            city.append(Self.cities[random.below(Self.cities.count)])
            city.endRow()
            state.append(Self.states[random.below(Self.states.count)])
            state.endRow()
            let used = name.position - starts[0] + email.position - starts[1] + city.position - starts[2]
            extra.append(letters: Self.padding(8 + used + 19 + 2, to: 200, &random), &random)
            extra.endRow()
        }
        let times = fixed(.timestamp, rows, time)
        return delta(
            partition, offsets, times,
            [
                fixed(.bigint, rows, id), name.finish(), email.finish(), card.finish(), city.finish(), state.finish(),
                times, extra.finish(),
            ])
    }

    // MARK: parts

    @inline(__always)
    private func number(_ partition: Int, _ offset: Int64) -> Int64 {
        offset &* Int64(configuration.partitions) &+ Int64(partition)
    }

    @inline(__always)
    private func eventTime(_ number: Int64) -> Int64 {
        configuration.baseTime &+ number &* 1_000_000 / Int64(configuration.eventsPerSecond)
    }

    /// One of the last 1 000 persons, or of the next 10; counted from 0.
    @inline(__always)
    private func person(_ group: Int, _ random: inout NexmarkRandom) -> Int {
        let people = group + 1
        let active = min(people, Self.activePeople)
        return people - active + random.below(active + Self.lead)
    }

    @inline(__always)
    private static func price(_ word: UInt64, _ table: UnsafeBufferPointer<Double>) -> Int64 {
        let index = Int(word >> 52)
        let fraction = Double(word >> 20 & 0xFFFF_FFFF) * 0x1p-32
        return Int64((table[index] + (table[index + 1] - table[index]) * fraction).rounded())
    }

    /// How long `extra` is so that a record of `size` bytes without it has about `average`: evenly within a fifth of the difference.
    @inline(__always)
    private static func padding(_ size: Int, to average: Int, _ random: inout NexmarkRandom) -> Int {
        guard size < average else { return 0 }
        let wanted = average - size
        let spread = (wanted + 2) / 5
        return wanted - spread + (spread == 0 ? 0 : random.below(2 * spread))
    }

    /// The magnitude of the number with its 32 bits in reverse order.
    private static func reversed(_ number: Int) -> UInt32 {
        var bits = UInt32(truncatingIfNeeded: number)
        bits = (bits >> 1) & 0x5555_5555 | (bits & 0x5555_5555) << 1
        bits = (bits >> 2) & 0x3333_3333 | (bits & 0x3333_3333) << 2
        bits = (bits >> 4) & 0x0F0F_0F0F | (bits & 0x0F0F_0F0F) << 4
        return Int32(bitPattern: bits.byteSwapped).magnitude
    }

    /// The channel's url: its three parts are a function of the seed and the channel.
    @inline(__always)
    private func appendURL(_ channel: UInt64, _ url: inout NexmarkTextColumn) {
        var random = NexmarkRandom(seed: ~configuration.seed, number: channel)
        url.append("https://www.nexmark.com/")
        url.append(word: NexmarkTextColumn.letters(random.next()), count: 5)
        url.append(byte: 0x2F)
        url.append(word: NexmarkTextColumn.letters(random.next()), count: 5)
        url.append(byte: 0x2F)
        url.append(word: NexmarkTextColumn.letters(random.next()), count: 5)
        url.append("/item.htm?query=1")
    }

    private func fixed(_ type: DataType, _ rows: Int, _ buffer: ColumnBuffer) -> Column {
        Column(type: type, count: rows, validity: nil, values: buffer, bytes: nil)
    }

    /// Adds the metadata columns. A virtual record's append time is its event time.
    private func delta(_ partition: Int, _ offsets: [Int64], _ times: Column, _ columns: [Column]) -> Delta {
        let rows = offsets.count
        let partitions = Column(type: .integer, count: rows) { (out: UnsafeMutableBufferPointer<Int32>) in
            for row in 0..<rows { out[row] = Int32(partition) }
        }
        let positions = Column(type: .bigint, count: rows) { (out: UnsafeMutableBufferPointer<Int64>) in
            for row in 0..<rows { out[row] = offsets[row] }
        }
        return Delta(columns: columns + [partitions, positions, times], count: rows)
    }

    private static let firstNames: [StaticString] = [
        "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
    ]
    private static let lastNames: [StaticString] = [
        "Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris",
    ]
    private static let cities: [StaticString] = [
        "Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent",
        "Cheyenne",
    ]
    private static let states: [StaticString] = ["AZ", "CA", "ID", "OR", "WA", "WY"]
}
