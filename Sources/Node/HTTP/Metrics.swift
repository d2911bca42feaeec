internal import Actors
internal import Coordination

/// The status as Prometheus text (exposition format 0.0.4).
enum Metrics {
    static func text(_ status: PipelineStatus) -> String {
        var text = ""
        func family(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: String)]) {
            guard !samples.isEmpty else { return }
            text += "# HELP dataprism_\(name) \(help)\n# TYPE dataprism_\(name) \(type)\n"
            for (labels, value) in samples { text += "dataprism_\(name)\(labels) \(value)\n" }
        }
        func label(_ name: String, _ value: String) -> String {
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(name)=\"\(escaped)\""
        }
        family(
            "ready", "gauge", "1 once the node covers the log's end as it was at the start.",
            [("", status.isReady ? "1" : "0")])
        family("epoch_committed", "gauge", "The newest epoch that queries see.", [("", "\(status.committedEpoch)")])
        family("epochs_per_second", "gauge", "Epochs committed a second.", [("", "\(status.epochsPerSecond)")])
        family(
            "records_per_second", "gauge", "Records that committed epochs took, a second.",
            [("", "\(status.recordsPerSecond)")])
        family("memory_bytes", "gauge", "Resident memory of the process.", [("", "\(status.memoryBytes)")])
        let views = status.views.sorted { $0.key < $1.key }
        family(
            "view_rows", "gauge", "Rows of a view.", views.map { ("{\(label("view", $0.key))}", "\($0.value.rows)") })
        family(
            "view_bytes", "gauge", "Bytes that a view's rows take.",
            views.map { ("{\(label("view", $0.key))}", "\($0.value.bytes)") })
        family(
            "view_active", "gauge", "1 once a view is built.",
            views.map { ("{\(label("view", $0.key))}", $0.value.isActive ? "1" : "0") })
        let sources = status.sources.sorted { $0.key < $1.key }
        family(
            "source_records_total", "counter",
            "Records of a source by what became of them; read is the sum of the others.",
            sources.flatMap { name, source in
                [
                    ("read", source.counters.read), ("applied", source.counters.applied),
                    ("late", source.counters.late),
                    ("skewed", source.counters.skewed), ("malformed", source.counters.malformed),
                    ("skipped", source.counters.skipped),
                ].map { ("{\(label("source", name)),\(label("result", $0.0))}", "\($0.1)") }
            })
        family(
            "source_lag_records", "gauge", "Records not yet covered by the committed epoch.",
            sources.map { ("{\(label("source", $0.key))}", "\($0.value.lag)") })
        family(
            "source_stopped", "gauge", "1 once a source cannot be read any more; the status says why.",
            sources.map { ("{\(label("source", $0.key))}", $0.value.failure == nil ? "0" : "1") })
        let connectors = status.connectors.sorted { $0.key < $1.key }
        family(
            "connector_records_total", "counter", "Records that a connector appended.",
            connectors.map { ("{\(label("source", $0.key))}", "\($0.value.records)") })
        family(
            "connector_restarts_total", "counter", "Times that a connector was started again.",
            connectors.map { ("{\(label("source", $0.key))}", "\($0.value.restarts)") })
        family(
            "worker_busy_share", "gauge", "Share of the time that a worker's thread worked.",
            status.workers.enumerated().map { ("{\(label("worker", "\($0.offset)"))}", "\($0.element.busyShare)") })
        let quantiles = [("0.5", status.latency.p50), ("0.9", status.latency.p90), ("0.99", status.latency.p99)]
        family(
            "append_to_queryable_seconds", "gauge",
            "From append to queryable, by quantile (upper bound of the bucket).",
            quantiles.compactMap { quantile, value in
                value.map { ("{\(label("quantile", quantile))}", "\(Double($0) / 1e6)") }
            })
        return text
    }
}
