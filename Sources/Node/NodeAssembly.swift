internal import Cluster
internal import Coordination
internal import Foundation
internal import Hummingbird
internal import Log
internal import Logging
internal import NIOCore
internal import ServiceLifecycle
internal import UnixSignals

/// A node put together: the one place where concrete types meet.
struct NodeAssembly {
    let settings: NodeSettings
    let coordinator: Coordinator
    let gateway: Gateway
    private let directory: DataDirectory
    private let log: EmbeddedLog
    private let logger: Logger
    private let link: ClusterLink?
    /// The port, once it is served.
    private let port = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))

    init(_ settings: NodeSettings, logger: Logger) async throws {
        self.settings = settings
        let fields = LogFields()
        var handler = logger.handler
        handler.metadataProvider = fields.provider
        let logger = Logger(label: logger.label) { [handler] _ in handler }
        self.logger = logger
        directory = try DataDirectory(settings.data)
        do {
            log = try EmbeddedLog(directory: settings.log)
        } catch {
            throw ConfigurationFailure("the log in \(settings.log): \(error)")
        }
        if let cluster = settings.cluster {
            link = await ClusterLink(cluster, logger: logger)
        } else {
            link = nil
        }
        let seat = link?.seat(
            directory: directory.id, http: Endpoint(host: settings.host, port: settings.port),
            workers: settings.workers)
        var configuration = CoordinatorConfiguration(workers: settings.workers)
        configuration.logFields = fields
        coordinator = Coordinator(log: log, configuration: configuration, logger: logger, cluster: seat)
        gateway = Gateway(coordinator: coordinator)
    }

    /// Runs the coordinator, the HTTP server and `body` until one of them ends or a signal asks to stop.
    func run(serving: Bool, _ body: @escaping @Sendable (NodeAssembly) async throws -> Void) async throws {
        let failure = Mutexed<String?>(nil)
        // A node that cannot serve does not join: the others would move work to it, and back.
        let bound = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        if !serving { bound.continuation.yield() }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(
                service: CoordinatorService(
                    coordinator: coordinator, link: link, failure: failure, mayBegin: bound.stream),
                successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup)
        ]
        if serving {
            services.append(
                .init(
                    service: HTTPService(
                        api: HTTPAPI(gateway: gateway, settings: settings, link: link), logger: logger,
                        failure: failure,
                        port: port.continuation, bound: bound.continuation),
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup))
        }
        let assembly = self
        services.append(
            .init(
                service: BodyService {
                    do {
                        try await body(assembly)
                    } catch {
                        // A stop that was asked for is no failure.
                        if error is CancellationError { return }
                        let message = "\(error)"
                        failure.with { $0 = message }
                    }
                }, successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup))
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "life-cycle") { _ in SwiftLogNoOpLogHandler() })
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: configuration).run()
        await log.close()
        if let message = failure.with({ $0 }) { throw CommandFailure(message) }
    }
}

extension NodeAssembly {
    /// Waits until requests are taken; the port, which the system has chosen if the settings say 0. Once.
    /// - Throws: `CancellationError` if the server ends before it is.
    func listening() async throws -> Int {
        for await port in port.stream { return port }
        throw CancellationError()
    }
}

/// The coordinator as a service: a graceful stop ends it after the running epoch; a node of a cluster hands over and leaves first.
private struct CoordinatorService: Service {
    let coordinator: Coordinator
    let link: ClusterLink?
    let failure: Mutexed<String?>
    /// Ends without an element if there is nothing to begin for.
    let mayBegin: AsyncStream<Void>

    func run() async throws {
        do {
            guard await mayBegin.first(where: { true }) != nil else {
                // Whoever could not begin ends the group; its services end in their turn.
                return try await gracefulShutdown()
            }
            guard let link else {
                return try await cancelWhenGracefulShutdown { try await coordinator.run() }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await link.run(coordinator) }
                group.addTask {
                    do {
                        try await gracefulShutdown()
                    } catch {
                        return
                    }
                    await coordinator.leave("asked to stop")
                    try await Task.sleep(for: Self.leaveLimit)
                }
                try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
            return
        } catch {
            let message = "\(error)"
            failure.with { $0 = $0 ?? message }
        }
    }

    /// A node that cannot hand over by then stops all the same; the others find out.
    private static let leaveLimit = Duration.seconds(25)
}

private struct HTTPService: Service {
    let api: HTTPAPI
    let logger: Logger
    let failure: Mutexed<String?>
    let port: AsyncStream<Int>.Continuation
    let bound: AsyncStream<Void>.Continuation

    func run() async throws {
        var quiet = logger
        quiet.logLevel = .error
        let application = HTTPServer.application(api, logger: quiet) {
            port.yield($0)
            bound.yield()
        }
        defer {
            port.finish()
            bound.finish()
        }
        do {
            try await application.runService(gracefulShutdownSignals: [])
        } catch {
            let settings = api.settings
            let message = "cannot serve on \(settings.host):\(settings.port): \(Self.reason(error))"
            failure.with { $0 = $0 ?? message }
        }
    }

    private static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        if text.contains("Address already in use") || text.contains("errno: 98") {
            return "the port is in use; stop the other process, or use another --http"
        }
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)).lowercased() }
        return text
    }
}

/// What a command does while the node runs.
private struct BodyService: Service {
    let body: @Sendable () async throws -> Void

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await body() }
    }
}
