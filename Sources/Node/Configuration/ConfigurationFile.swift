internal import Configuration
internal import Foundation
internal import SystemPackage

/// A file of settings: a JSON object, or a YAML mapping if its name ends in `.yaml` or `.yml`. Flat: keys and single values.
enum ConfigurationFile {
    /// A file of settings has a few lines; more than this is not one (and YAML's aliases can blow up).
    private static let bytesMax = 64 << 10

    /// Reads the file. A key that nobody reads is a mistake: it is named, with the nearest one that exists.
    static func provider(_ path: String, keys: [String]) async throws -> any ConfigProvider {
        let content: Data
        do {
            content = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            let isThere = FileManager.default.fileExists(atPath: path)
            throw ConfigurationFailure(
                "configuration file \(path) \(isThere ? "cannot be read" : "does not exist")")
        }
        guard content.count <= bytesMax else {
            throw ConfigurationFailure(
                "configuration file \(path) has \(content.count) bytes; the limit is \(bytesMax)")
        }
        let isYAML = path.hasSuffix(".yaml") || path.hasSuffix(".yml")
        do {
            let found = try isYAML ? yamlKeys(content) : jsonKeys(content)
            for key in found where !keys.contains(key) {
                let nearest = keys.min { distance($0, key) < distance($1, key) } ?? ""
                throw ConfigurationFailure(
                    "configuration file \(path): unknown key \"\(key)\"; did you mean \"\(nearest)\"?")
            }
            // An empty YAML file is no mapping, but no mistake.
            if found.isEmpty { return InMemoryProvider(values: [:]) }
            return isYAML
                ? try await FileProvider<YAMLSnapshot>(filePath: FilePath(path))
                : try await FileProvider<JSONSnapshot>(filePath: FilePath(path))
        } catch let failure as ConfigurationFailure {
            throw failure
        } catch {
            throw ConfigurationFailure(
                "configuration file \(path) is not \(isYAML ? "a YAML mapping" : "a JSON object") of single values")
        }
    }

    private static func jsonKeys(_ content: Data) throws -> [String] {
        guard let object = try JSONSerialization.jsonObject(with: content) as? [String: Any] else {
            throw CocoaError(.propertyListReadCorrupt)
        }
        return object.keys.sorted()
    }

    /// The keys of a flat mapping: what stands before the colon of each line that is neither blank, comment nor marker.
    private static func yamlKeys(_ content: Data) throws -> [String] {
        String(decoding: content, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap { line in
            let text = line.trimmingCharacters(in: .whitespaces)
            guard !text.isEmpty, !text.hasPrefix("#"), text != "---", text != "..." else { return nil }
            let key = text.prefix { $0 != ":" }
            return key.trimmingCharacters(in: CharacterSet(charactersIn: " \"'"))
        }
    }

    /// Levenshtein's distance.
    private static func distance(_ a: String, _ b: String) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = above
            }
        }
        return row[b.count]
    }
}
