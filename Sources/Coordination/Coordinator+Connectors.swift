internal import Actors
internal import Dataflow
internal import Log
internal import Logging

extension Coordinator {
    /// Starts the connectors of tables that are active and stops those of tables that are gone.
    func updateConnectors() {
        var wanted: [String: (table: ControlState.Topic.Table, topic: ControlState.Topic)] = [:]
        for topic in state.orderedTopics {
            for table in topic.tables
            where ControlState.hasTask(table.schema) && serving?.activeSince[table.schema.name] != nil
                && runsTask(of: table.schema.name)
            {
                wanted[table.schema.name] = (table, topic)
            }
        }
        connectorFailures = connectorFailures.filter { wanted[$0.key] != nil }
        for name in connectors.keys.sorted() where wanted[name] == nil {
            connectors.removeValue(forKey: name)?.stop()
        }
        for name in wanted.keys.sorted() where connectors[name] == nil {
            guard let (table, topic) = wanted[name] else { continue }
            do throws(OptionError) {
                connectors[name] = Connector(
                    name: table.schema.connector, log: log, topic: topic.plan.name,
                    partitionCount: topic.partitionCount,
                    source: try connectorSource(table.schema, topic))
                connectorFailures[name] = nil
            } catch {
                connectorFailures[name] = "\(error)"
                logger.error("the connector cannot start", metadata: ["table": "\(name)", "error": "\(error)"])
            }
        }
        connectorBell.ring()
    }

    private func connectorSource(
        _ schema: TableSchema, _ topic: ControlState.Topic
    ) throws(OptionError) -> any ConnectorSource {
        switch schema.connector {
        case "generator": return try GeneratorSource(schema, created: topic.createdTime)
        case "file": return try FileSource(schema, files: files)
        default: throw OptionError(table: schema.name, option: "connector", "has no task")
        }
    }

    /// Runs the connectors, each in a task of its own, until the task is cancelled.
    func runConnectors() async {
        await withDiscardingTaskGroup { group in
            var begun: [Connector] = []
            while !Task.isCancelled {
                begun.removeAll { old in !connectors.values.contains { $0 === old } }
                for name in connectors.keys.sorted() {
                    guard let connector = connectors[name], !begun.contains(where: { $0 === connector }) else {
                        continue
                    }
                    begun.append(connector)
                    group.addTask { await connector.run() }
                }
                await connectorBell.wait()
            }
        }
    }
}
