import Checkpoints
import Foundation
import Inference
import ModelAccess
import Runs
import Support

/// Which server has which model of a study: a JSON object from a model's id, as `sweep --plan` shows
/// them, to where it is served.
///
///     {"a0-none": {"endpoint": "http://127.0.0.1:8001"},
///      "r6-a1-none": {"endpoint": ["http://10.0.0.1:8000", "http://10.0.0.2:8000"], "model": "lox1"}}
struct CellsFile {
  private struct Entry: Codable {
    /// One address, or several that serve the same.
    var endpoint: OneOrMany<String>
    /// The model's name there; by default the server's only one.
    var model: String?
    /// How to start it; for people.
    var start: String?
  }

  private let entries: [String: Entry]
  let endpoints: [Endpoint]
  private let places: [String: Int]

  init(reading file: URL, _ credentials: Credentials = .none) throws {
    do {
      entries = try JSONDecoder().decode([String: Entry].self, from: Data(contentsOf: file))
    } catch {
      throw StudyError.invalidCells(
        path: file.path,
        reason: "expected a JSON object such as {\"a0-none\": {\"endpoint\": "
          + "\"http://127.0.0.1:8001\", \"model\": \"m\"}}: \(error.plainReason)")
    }
    if let (id, _) = entries.sorted(by: { $0.key < $1.key }).first(where: {
      $0.value.endpoint.elements.isEmpty
    }) {
      throw StudyError.invalidCells(
        path: file.path, reason: "expected an endpoint for \(id), found none")
    }
    let addresses = Set(entries.values.flatMap(\.endpoint.elements)).sorted()
    guard !addresses.isEmpty else {
      throw StudyError.invalidCells(path: file.path, reason: "expected entries, found none")
    }
    endpoints = try addresses.map { try Endpoint($0, credentials: credentials) }
    places = Dictionary(uniqueKeysWithValues: addresses.enumerated().map { ($1, $0) })
  }

  /// Where each variant is served; two of them at one place would be one model measured twice.
  func routes(
    for variants: [ModelsToServe.Variant], file: URL
  ) throws(StudyError) -> [[ScaledUpdate]: PlainDialect.Route] {
    var routes: [[ScaledUpdate]: PlainDialect.Route] = [:]
    var owners: [PlainDialect.Route: String] = [:]
    let missing = variants.map(\.id).filter { entries[$0] == nil }
    guard missing.isEmpty else {
      throw .invalidCells(
        path: file.path,
        reason: "expected an entry for \(missing.joined(separator: ", ")), found "
          + entries.keys.sorted().joined(separator: ", "))
    }
    for variant in variants {
      guard let entry = entries[variant.id] else { continue }
      let route = PlainDialect.Route(
        endpoints: entry.endpoint.elements.compactMap { places[$0] }, model: entry.model)
      if let owner = owners[route] {
        throw .invalidCells(
          path: file.path,
          reason: "expected a place for each model, found one for both \(owner) and \(variant.id)")
      }
      owners[route] = variant.id
      routes[variant.stack] = route
    }
    return routes
  }

  static let fileName = "cells.json"

  /// Writes each model of a study as a checkpoint of its own, and the file that says where they are
  /// to be served and how to start them.
  ///
  /// - Parameters:
  ///   - folder: gets a folder for each model and `cells.json`.
  ///   - serve: how servers are started; `{model}` and `{port}` are filled in.
  static func export(
    _ models: ModelsToServe, to folder: URL, serve: CommandTemplate, firstPort: Int = 8_001,
    progress: (Int, Int) -> Void
  ) throws -> URL {
    var entries: [String: Entry] = [:]
    for (index, variant) in models.variants.enumerated() {
      progress(index, models.variants.count)
      let place = folder.appending(path: variant.id).absoluteURL
      try models.checkpoint.writeMerged(try models.updates.stack(variant.stack), to: place)
      let port = firstPort + index
      entries[variant.id] = Entry(
        endpoint: OneOrMany(["http://127.0.0.1:\(port)"]), model: place.path,
        start: serve.filled(["model": [place.path], "port": ["\(port)"]]))
    }
    progress(models.variants.count, models.variants.count)
    let file = folder.appending(path: fileName)
    try AtomicFile.write(try RunManifest.encode(entries), to: file)
    return file
  }
}
