/// What a node says about itself when it joins; it stays as it is for that life.
package struct NodeDescription: Hashable, Sendable, Codable {
    /// Where other nodes reach it.
    package var cluster: Endpoint
    /// Where clients reach it; nil if it serves none.
    package var http: Endpoint?
    /// Threads that run the dataflow, 1 to 256: its capacity.
    package var workers: Int
    /// Nodes of one zone fail together; empty if there are no zones.
    package var zone: String
    /// The build, as `dataprism --version` prints it.
    package var build: String
    package var wire: WireVersions

    package init(
        cluster: Endpoint, http: Endpoint? = nil, workers: Int, zone: String = "", build: String = "",
        wire: WireVersions = .used
    ) {
        self.cluster = cluster
        self.http = http
        self.workers = workers
        self.zone = zone
        self.build = build
        self.wire = wire
    }
}
