internal import Actors
internal import Cluster
internal import Coordination

/// A node's part in its cluster as Prometheus text: coordination, membership, transport and exchange.
enum ClusterMetrics {
    static func text(_ figures: ClusterFigures, _ transport: TransportCounts) -> String {
        var text = ""
        func family(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: Int64)]) {
            text += "# HELP dataprism_\(name) \(help)\n# TYPE dataprism_\(name) \(type)\n"
            for (labels, value) in samples { text += "dataprism_\(name)\(labels) \(value)\n" }
        }
        func gauge(_ name: String, _ help: String, _ value: Int64) { family(name, "gauge", help, [("", value)]) }
        func counters(_ name: String, _ help: String, _ label: String, _ samples: [(String, Int)]) {
            family(name, "counter", help, samples.map { ("{\(label)=\"\($0.0)\"}", Int64($0.1)) })
        }
        gauge("coordination_term", "The coordinator's term.", figures.term)
        gauge("coordination_generation", "The newest assignment.", figures.generation)
        gauge("coordination_control_version", "The control log's newest accepted record.", figures.controlVersion)
        gauge("coordination_control_records", "Control records read.", figures.controlRecords)
        gauge("coordination_control_refused", "Of them, those lately found not to fit.", Int64(figures.controlRefused))
        gauge("coordination_vnodes", "Vnodes that this node owns.", Int64(figures.vnodes))
        gauge("coordination_leads", "1 on the coordinator.", figures.isCoordinator ? 1 : 0)
        family(
            "membership_members", "gauge", "Members by what this node thinks of them.",
            figures.members.map { ("{status=\"\($0.status)\"}", Int64($0.count)) })
        gauge("membership_health", "0 if this node keeps up, up to 8.", Int64(figures.health))
        counters("membership_events_total", "Events of the membership protocol.", "event", figures.membership)
        gauge("transport_connections", "Open connections to other nodes.", Int64(transport.connections))
        counters(
            "transport_events_total", "Connections, calls and streams of the transport.", "event",
            [
                ("accepted", transport.connectionsAccepted), ("made", transport.connectionsMade),
                ("over_limit", transport.connectionsOverLimit), ("refused", transport.connectionsRefused),
                ("abused", transport.connectionsAbused), ("lost", transport.connectionsLost),
                ("call_made", transport.callsMade), ("call_failed", transport.callsFailed),
                ("call_served", transport.callsServed), ("stream", transport.streamsOpened),
                ("frame", transport.framesReceived),
            ])
        counters(
            "transport_bytes_total", "Bytes of the transport's connections.", "direction",
            [("received", transport.bytesReceived), ("sent", transport.bytesSent)])
        let exchange = figures.exchange
        counters(
            "exchange_rows_total", "Rows between this node's workers and those of others.", "direction",
            [("received", exchange.rowsReceived), ("sent", exchange.rowsSent)])
        counters(
            "exchange_bytes_total", "Bytes of the frames that carried them.", "direction",
            [("received", exchange.bytesReceived), ("sent", exchange.bytesSent)])
        counters(
            "exchange_frames_total", "Frames that carried them.", "direction",
            [
                ("received", exchange.framesReceived), ("sent", exchange.framesSent), ("fenced", exchange.framesFenced),
            ])
        counters(
            "exchange_edges_total", "Edges that did not end as they should.", "event",
            [("refused", exchange.refused), ("broken", exchange.broken)])
        family(
            "exchange_coding_nanoseconds_total", "counter", "Time spent on coding and decoding frames.",
            [("", exchange.codingNanoseconds)])
        return text
    }
}
