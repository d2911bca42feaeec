import Glibc

/// Trigonometry in degrees that is exact where the result is (`sind(30) = 0.5`), by the reductions and scalings of PostgreSQL's
/// float.c: within the first quadrant, below and above 45°, and against the value that is to come out exactly.
enum DegreeAngles {
    private static let radiansPerDegree = Double.pi / 180
    private static let sine30 = sin(30 * radiansPerDegree)
    private static let oneMinusCosine60 = 1 - cos(60 * radiansPerDegree)
    private static let inverseSine05 = asin(0.5)
    private static let inverseCosine05 = acos(0.5)
    private static let inverseTangent1 = atan(1.0)
    private static let tangent45 = quadrantSine(45) / quadrantCosine(45)
    private static let cotangent45 = quadrantCosine(45) / quadrantSine(45)

    private static func sineTo30(_ x: Double) -> Double { sin(x * radiansPerDegree) / sine30 / 2 }

    private static func cosineTo60(_ x: Double) -> Double {
        1 - (1 - cos(x * radiansPerDegree)) / oneMinusCosine60 / 2
    }

    private static func quadrantSine(_ x: Double) -> Double { x <= 30 ? sineTo30(x) : cosineTo60(90 - x) }

    private static func quadrantCosine(_ x: Double) -> Double { x <= 60 ? cosineTo60(x) : sineTo30(90 - x) }

    static func sine(_ angle: Double) -> Double {
        var (x, sign) = (fmod(angle, 360), 1.0)
        if x < 0 { (x, sign) = (-x, -sign) }
        if x > 180 { (x, sign) = (360 - x, -sign) }
        if x > 90 { x = 180 - x }
        return sign * quadrantSine(x)
    }

    static func cosine(_ angle: Double) -> Double {
        var (x, sign) = (fmod(angle, 360), 1.0)
        if x < 0 { x = -x }
        if x > 180 { x = 360 - x }
        if x > 90 { (x, sign) = (180 - x, -sign) }
        return sign * quadrantCosine(x)
    }

    static func tangent(_ angle: Double) -> Double {
        let (x, sign) = reducedForTangent(angle)
        let value = sign * (quadrantSine(x) / quadrantCosine(x) / tangent45)
        // Never a negative zero.
        return value == 0 ? 0 : value
    }

    static func cotangent(_ angle: Double) -> Double {
        let (x, sign) = reducedForTangent(angle)
        let value = sign * (quadrantCosine(x) / quadrantSine(x) / cotangent45)
        return value == 0 ? 0 : value
    }

    private static func reducedForTangent(_ angle: Double) -> (Double, Double) {
        var (x, sign) = (fmod(angle, 360), 1.0)
        if x < 0 { (x, sign) = (-x, -sign) }
        if x > 180 { (x, sign) = (360 - x, -sign) }
        if x > 90 { (x, sign) = (180 - x, -sign) }
        return (x, sign)
    }

    private static func quadrantInverseSine(_ x: Double) -> Double {
        x <= 0.5 ? asin(x) / inverseSine05 * 30 : 90 - acos(x) / inverseCosine05 * 60
    }

    private static func quadrantInverseCosine(_ x: Double) -> Double {
        x <= 0.5 ? 90 - asin(x) / inverseSine05 * 30 : acos(x) / inverseCosine05 * 60
    }

    static func inverseSine(_ x: Double) -> Double {
        x.isNaN ? x : x >= 0 ? quadrantInverseSine(x) : -quadrantInverseSine(-x)
    }

    static func inverseCosine(_ x: Double) -> Double {
        x.isNaN ? x : x >= 0 ? quadrantInverseCosine(x) : 90 + quadrantInverseSine(-x)
    }

    static func inverseTangent(_ x: Double) -> Double { atan(x) / inverseTangent1 * 45 }

    static func inverseTangent(_ y: Double, _ x: Double) -> Double { atan2(y, x) / inverseTangent1 * 45 }
}
