/// The words and the grammar of the specification's texts (TPC-H 4.2.2.10 to 4.2.2.14).
enum TPCHText {
    static let colors = words(
        """
        almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood burnished chartreuse chiffon chocolate
        coral cornflower cornsilk cream cyan dark deep dim dodger drab firebrick floral forest frosted gainsboro ghost goldenrod green
        grey honeydew hot indian ivory khaki lace lavender lawn lemon light lime linen magenta maroon medium metallic midnight mint misty
        moccasin navajo navy olive orange orchid pale papaya peach peru pink plum powder puff purple red rose rosy royal saddle salmon
        sandy seashell sienna sky slate smoke snow spring steel tan thistle tomato turquoise violet wheat white yellow
        """)
    static let typeSizes = words("STANDARD SMALL MEDIUM LARGE ECONOMY PROMO")
    static let typeFinishes = words("ANODIZED BURNISHED PLATED POLISHED BRUSHED")
    static let typeMetals = words("TIN NICKEL BRASS STEEL COPPER")
    static let containerSizes = words("SM LG MED JUMBO WRAP")
    static let containers = words("CASE BOX BAG JAR PKG PACK CAN DRUM")
    static let segments = words("AUTOMOBILE BUILDING FURNITURE MACHINERY HOUSEHOLD")
    static let priorities = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"]
    static let instructions = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]
    static let modes = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]
    static let regions = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]
    /// Names with the numbers of their regions, by number.
    static let nations: [(name: String, region: Int)] = [
        ("ALGERIA", 0), ("ARGENTINA", 1), ("BRAZIL", 1), ("CANADA", 1), ("EGYPT", 4), ("ETHIOPIA", 0), ("FRANCE", 3),
        ("GERMANY", 3), ("INDIA", 2), ("INDONESIA", 2), ("IRAN", 4), ("IRAQ", 4), ("JAPAN", 2), ("JORDAN", 4),
        ("KENYA", 0), ("MOROCCO", 0), ("MOZAMBIQUE", 0), ("PERU", 1), ("CHINA", 2), ("ROMANIA", 3),
        ("SAUDI ARABIA", 4), ("VIETNAM", 2), ("RUSSIA", 3), ("UNITED KINGDOM", 3), ("UNITED STATES", 1),
    ]

    private static let nouns = words(
        """
        foxes ideas theodolites instructions dependencies excuses platelets asymptotes courts dolphins multipliers sauternes warthogs
        frets dinos attainments somas patterns forges braids hockey_players frays warhorses dugouts notornis epitaphs pearls tithes
        waters orbits gifts sheaves depths sentiments decoys realms pains grouches escapades packages requests accounts deposits pinto_beans
        """)
    private static let verbs = words(
        """
        sleep wake are cajole haggle nag use boost affix detect integrate maintain nod was lose sublate solve thrash promise engage
        hinder print x-ray breach eat grow impress mold poach serve run dazzle snooze doze unwind kindle play hang believe doubt
        """)
    private static let adjectives = words(
        """
        furious sly careful blithe quick fluffy slow quiet ruthless thin close dogged daring brave stealthy permanent enticing idle busy
        regular final ironic even bold silent special pending express unusual
        """)
    private static let adverbs = words(
        """
        sometimes always never furiously slyly carefully blithely quickly fluffily slowly quietly ruthlessly thinly closely doggedly
        daringly bravely stealthily permanently enticingly idly busily regularly finally ironically evenly boldly silently
        """)
    private static let prepositions = words(
        """
        about above across after against along among around at before between beneath beside besides beyond by despite during except for
        from inside into near of on outside over past since through throughout to toward under until up upon without with within
        """)
    private static let auxiliaries = words(
        """
        do may might shall will would can could should must need try
        """)
    private static let terminators = [".", ";", ":", "?", "!", "--"]

    private static func words(_ text: String) -> [String] {
        text.split { $0 == " " || $0 == "\n" }.map { $0.split(separator: "_").joined(separator: " ") }
    }

    /// Sentences cut to a length that is uniform between the bounds.
    static func comment(_ lengths: ClosedRange<Int>, _ rng: inout SeededGenerator) -> String {
        let length = lengths.lowerBound + rng.below(lengths.count)
        var text = ""
        while text.utf8.count < length {
            if !text.isEmpty { text += " " }
            text += sentence(&rng)
        }
        return String(text.prefix(length))
    }

    private static func sentence(_ rng: inout SeededGenerator) -> String {
        let end = rng.pick(terminators)
        return switch rng.below(5) {
        case 0: "\(nounPhrase(&rng)) \(verbPhrase(&rng))\(end)"
        case 1: "\(nounPhrase(&rng)) \(verbPhrase(&rng)) \(prepositionalPhrase(&rng))\(end)"
        case 2: "\(nounPhrase(&rng)) \(verbPhrase(&rng)) \(nounPhrase(&rng))\(end)"
        case 3: "\(nounPhrase(&rng)) \(prepositionalPhrase(&rng)) \(verbPhrase(&rng)) \(nounPhrase(&rng))\(end)"
        default:
            "\(nounPhrase(&rng)) \(prepositionalPhrase(&rng)) \(verbPhrase(&rng)) \(prepositionalPhrase(&rng))\(end)"
        }
    }

    private static func nounPhrase(_ rng: inout SeededGenerator) -> String {
        switch rng.below(4) {
        case 0: rng.pick(nouns)
        case 1: "\(rng.pick(adjectives)) \(rng.pick(nouns))"
        case 2: "\(rng.pick(adjectives)), \(rng.pick(adjectives)) \(rng.pick(nouns))"
        default: "\(rng.pick(adverbs)) \(rng.pick(adjectives)) \(rng.pick(nouns))"
        }
    }

    private static func verbPhrase(_ rng: inout SeededGenerator) -> String {
        switch rng.below(4) {
        case 0: rng.pick(verbs)
        case 1: "\(rng.pick(auxiliaries)) \(rng.pick(verbs))"
        case 2: "\(rng.pick(verbs)) \(rng.pick(adverbs))"
        default: "\(rng.pick(auxiliaries)) \(rng.pick(verbs)) \(rng.pick(adverbs))"
        }
    }

    private static func prepositionalPhrase(_ rng: inout SeededGenerator) -> String {
        "\(rng.pick(prepositions)) the \(nounPhrase(&rng))"
    }

    /// Letters, digits, blanks and commas.
    static func address(_ rng: inout SeededGenerator) -> String {
        let letters = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ, ")
        let inner = (0..<(9 + rng.below(30))).map { _ in rng.pick(letters) }
        return String([rng.pick(Array(letters.prefix(62)))] + inner)
    }
}
