// swift-tools-version: 6.2
import PackageDescription

/// The settings of every Swift target: Swift 6 mode, explicit existentials and import levels, no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .treatAllWarnings(as: .error),
]

/// Of Dataflow: its operators and builders are classes that one worker's thread uses alone, so the run-time checks of exclusive access
/// to their properties find nothing, and cost a tenth to a fifth of a query. The compiler's own checks stay.
let unchecked: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"])]

let package = Package(
    name: "dataprism",
    products: [
        .executable(name: "dataprism", targets: ["Node"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: ["JSON", "YAML"]),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "CPgQuery", providers: [.apt(["libpg-query-dev", "libprotobuf-c-dev"])]),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .target(name: "CMalloc"),
        .target(name: "CEdit", linkerSettings: [.linkedLibrary("edit")]),
        .target(
            name: "CSimdJSON",
            cxxSettings: [.unsafeFlags(["-O3", "-std=c++17"])],
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]
        ),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "CRE2",
            cxxSettings: [.unsafeFlags(["-O3", "-std=c++17"])],
            linkerSettings: [.linkedLibrary("re2"), .linkedLibrary("stdc++")]
        ),
        .target(name: "Log", dependencies: ["CSQLite", "CZstd", "CXXHash"], swiftSettings: strict),
        .target(
            name: "Dataflow", dependencies: ["CCrypto", "CMalloc", "CRE2", "CSimdJSON", "CXXHash"],
            swiftSettings: strict + unchecked),
        .target(name: "SQL", dependencies: ["Dataflow", "CPgQuery"], swiftSettings: strict),
        .target(
            name: "Cluster",
            dependencies: [
                "CNghttp2", "CXXHash",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Actors",
            dependencies: [
                "Log", "Dataflow", "Cluster", "CZstd", "CZlib", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Coordination",
            dependencies: ["Log", "Dataflow", "Cluster", "Actors", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Node",
            dependencies: [
                "Log", "Dataflow", "Cluster", "SQL", "Actors", "Coordination", "CEdit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            // NodeTests sees its parts, which nothing else can import: it is the executable.
            swiftSettings: strict + [.unsafeFlags(["-enable-testing"])]
        ),
        .systemLibrary(name: "CPQ", path: "Tests/CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "PostgresOracle", dependencies: ["CPQ"], path: "Tests/PostgresOracle", swiftSettings: strict),
        .target(name: "Simulation", dependencies: ["Log"], path: "Tests/Simulation", swiftSettings: strict),
        .target(
            name: "ClusterSimulation", dependencies: ["Cluster", "Coordination"], path: "Tests/ClusterSimulation",
            swiftSettings: strict),
        .testTarget(
            name: "ClusterSimulationTests", dependencies: ["ClusterSimulation"], swiftSettings: strict),
        .executableTarget(
            name: "Simulate", dependencies: ["ClusterSimulation"], path: "Tests/Simulate", swiftSettings: strict),
        .testTarget(name: "SQLTests", dependencies: ["SQL", "Dataflow"], swiftSettings: strict),
        .testTarget(
            name: "DataflowTests", dependencies: ["Dataflow", "CXXHash"],
            exclude: [
                "Expressions/cases.tsv", "Expressions/type_cases.tsv", "Expressions/generate_cases.py",
                "Expressions/generate_type_cases.py",
            ], swiftSettings: strict),
        .testTarget(
            name: "ActorsTests", dependencies: ["Actors", "Log", "Dataflow", "Simulation"], swiftSettings: strict),
        .testTarget(
            name: "CoordinationTests",
            dependencies: [
                "Cluster", "Coordination", "Actors", "Log", "Dataflow", "Simulation",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            exclude: ["Golden"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "Cluster",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "NodeTests",
            dependencies: [
                "Node", "Coordination", "Dataflow", "Log", "Simulation", "CZlib", "CZstd",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "LogTests", dependencies: ["Log", "CSQLite"], swiftSettings: strict),
        .executableTarget(
            name: "TransportPeer",
            dependencies: [
                "Cluster",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Tests/TransportPeer", exclude: ["peers.py", "run"], swiftSettings: strict
        ),
        .executableTarget(
            name: "LogStress", dependencies: ["Log", "CZstd"], path: "Tests/LogStress", swiftSettings: strict),
        .testTarget(
            name: "OracleTests", dependencies: ["SQL", "Dataflow", "CSQLite", "PostgresOracle"],
            exclude: [
                "Edges/numbers-and-texts.txt", "Edges/patterns-paths-intervals.txt", "Edges/times-jsonb-arrays.txt",
            ], swiftSettings: strict),
    ]
)
