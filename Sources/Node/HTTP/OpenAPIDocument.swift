// tidy: long lines, since they are those of a JSON document.
internal import Foundation

/// The OpenAPI 3.1 document of the HTTP interface: a test compares it with the registered routes, both ways.
enum OpenAPIDocument {
    static let text = """
        {"openapi":"3.1.0",
        "info":{"title":"Dataprism","version":"1","description":"Events in, queryable views out. Rows are NDJSON: integers and numerics as numbers with all digits, doubles as the shortest number that reads back (\\"NaN\\", \\"Infinity\\", \\"-Infinity\\" as strings), timestamps and intervals as PostgreSQL's text, NULL as null."},
        "paths":{
        "/sql":{"post":{"operationId":"sql","summary":"Runs SQL statements; answers the rows of the last query.","parameters":[{"$ref":"#/components/parameters/after"},{"$ref":"#/components/parameters/timeout"}],
        "requestBody":{"required":true,"content":{"text/plain":{"schema":{"type":"string","maxLength":1048576},"example":"SELECT 1 AS one"}}},
        "responses":{"200":{"$ref":"#/components/responses/rows"},"400":{"$ref":"#/components/responses/error"},"404":{"$ref":"#/components/responses/error"},"408":{"$ref":"#/components/responses/error"},"409":{"$ref":"#/components/responses/error"},"413":{"$ref":"#/components/responses/error"},"415":{"$ref":"#/components/responses/error"},"421":{"$ref":"#/components/responses/error"},"422":{"$ref":"#/components/responses/error"},"429":{"$ref":"#/components/responses/error"},"503":{"$ref":"#/components/responses/error"},"504":{"$ref":"#/components/responses/error"},"507":{"$ref":"#/components/responses/error"}}}},
        "/topics/{topic}/records":{"post":{"operationId":"append","summary":"Appends NDJSON records to a topic; answers when they are durable.","description":"Every line of at most 1 MiB is stored; a line that the table cannot decode is named in errors and becomes a row of <topic>.dead. Longer lines are named and not stored. {\\"_deleted\\":true,…} with the key's columns deletes a row of an upsert table. All lines are stored or none. The body may be compressed (Content-Encoding: gzip or zstd).",
        "parameters":[{"name":"topic","in":"path","required":true,"schema":{"type":"string"}},{"name":"Idempotency-Key","in":"header","required":false,"schema":{"type":"string","minLength":1,"maxLength":128,"pattern":"^[A-Za-z0-9._-]+$"}}],
        "requestBody":{"required":true,"content":{"application/x-ndjson":{"schema":{"type":"string"},"example":"{\\"id\\":1}"}}},
        "responses":{"200":{"description":"Durable.","content":{"application/json":{"schema":{"type":"object","required":["token","records","offsets","errors"],"properties":{"token":{"type":"string"},"records":{"type":"integer"},"repeated":{"type":"boolean"},"offsets":{"type":"array","items":{"type":"object","properties":{"partition":{"type":"integer"},"offset":{"type":"integer"},"count":{"type":"integer"}}}},"errors":{"type":"array","items":{"type":"object","properties":{"line":{"type":"integer"},"code":{"type":"string"},"message":{"type":"string"}}}}}}}}},"400":{"$ref":"#/components/responses/error"},"404":{"$ref":"#/components/responses/error"},"408":{"$ref":"#/components/responses/error"},"409":{"$ref":"#/components/responses/error"},"413":{"$ref":"#/components/responses/error"},"415":{"$ref":"#/components/responses/error"},"421":{"$ref":"#/components/responses/error"},"503":{"$ref":"#/components/responses/error"},"507":{"$ref":"#/components/responses/error"}}}},
        "/views":{"get":{"operationId":"views","summary":"Lists the materialized views.","responses":{"200":{"description":"The views.","content":{"application/json":{"schema":{"type":"array","items":{"type":"object"}}}}},"421":{"$ref":"#/components/responses/error"}}}},
        "/views/{view}":{"get":{"operationId":"view","summary":"Rows of a view.","parameters":[{"name":"view","in":"path","required":true,"schema":{"type":"string"}},{"name":"key","in":"query","required":false,"description":"A value of the view's key; once per column of it.","schema":{"type":"array","items":{"type":"string"}}},{"name":"where","in":"query","required":false,"description":"An SQL expression over the view's columns.","schema":{"type":"string"}},{"name":"order","in":"query","required":false,"description":"column [desc], …","schema":{"type":"string"}},{"name":"limit","in":"query","required":false,"schema":{"type":"integer","minimum":0,"maximum":9223372036854775807}},{"$ref":"#/components/parameters/after"},{"$ref":"#/components/parameters/timeout"}],
        "responses":{"200":{"$ref":"#/components/responses/rows"},"400":{"$ref":"#/components/responses/error"},"404":{"$ref":"#/components/responses/error"},"408":{"$ref":"#/components/responses/error"},"413":{"$ref":"#/components/responses/error"},"421":{"$ref":"#/components/responses/error"},"422":{"$ref":"#/components/responses/error"},"429":{"$ref":"#/components/responses/error"},"503":{"$ref":"#/components/responses/error"},"504":{"$ref":"#/components/responses/error"}}}},
        "/status":{"get":{"operationId":"status","summary":"What the node is doing.","responses":{"200":{"description":"The status.","content":{"application/json":{"schema":{"type":"object"}}}},"421":{"$ref":"#/components/responses/error"}}}},
        "/healthz":{"get":{"operationId":"healthz","summary":"The process lives.","responses":{"200":{"description":"Alive.","content":{"application/json":{"schema":{"type":"object"}}}},"421":{"$ref":"#/components/responses/error"}}}},
        "/readyz":{"get":{"operationId":"readyz","summary":"The node covers the log's end as it was at the start.","responses":{"200":{"description":"Ready.","content":{"application/json":{"schema":{"type":"object"}}}},"421":{"$ref":"#/components/responses/error"},"503":{"$ref":"#/components/responses/error"}}}},
        "/metrics":{"get":{"operationId":"metrics","summary":"Metrics for Prometheus.","responses":{"200":{"description":"Prometheus text.","content":{"text/plain":{"schema":{"type":"string"}}}},"421":{"$ref":"#/components/responses/error"}}}},
        "/openapi.json":{"get":{"operationId":"openapi","summary":"This document.","responses":{"200":{"description":"OpenAPI 3.1.","content":{"application/json":{"schema":{"type":"object"}}}},"421":{"$ref":"#/components/responses/error"}}}}},
        "components":{"parameters":{"after":{"name":"after","in":"query","required":false,"description":"A frontier token: the answer covers it. May be repeated.","schema":{"type":"array","items":{"type":"string"}}},"timeout":{"name":"timeout","in":"query","required":false,"description":"Seconds to wait for after; then 504.","schema":{"type":"number","minimum":0,"maximum":300}}},
        "responses":{"rows":{"description":"One JSON object per row; statements without rows answer one object each with their result.","headers":{"Dataprism-Epoch":{"schema":{"type":"string"}},"Dataprism-Frontier":{"schema":{"type":"string"}},"Dataprism-Stale":{"description":"Tables that have stopped: the rows say nothing newer of them. Percent-encoded, with commas between.","schema":{"type":"string"}}},"content":{"application/x-ndjson":{"schema":{}}}},"error":{"description":"What is wrong, and what to do.","content":{"application/json":{"schema":{"type":"object","required":["code","message"],"properties":{"code":{"type":"string"},"message":{"type":"string"},"position":{"type":"integer"},"hint":{"type":"string"}}}}}}}}}
        """

    /// The paths of the document with their methods, in upper case and sorted.
    static let paths: [String: [String]] = {
        do {
            let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            let paths = document?["paths"] as? [String: [String: Any]] ?? [:]
            return paths.mapValues { $0.keys.map { $0.uppercased() }.sorted() }
        } catch {
            preconditionFailure("the OpenAPI document is not JSON: \(error)")
        }
    }()

    /// The methods that a request's path has; none if there is no such path.
    static func methods(of path: String) -> [String] {
        let parts = path.split(separator: "/")
        let match = paths.first { template, _ in
            let names = template.split(separator: "/")
            return names.count == parts.count && zip(names, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        return match?.value ?? []
    }
}
