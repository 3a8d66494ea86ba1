import Checkpoints
import Foundation
import Inference
import ModelAccess
import Support

/// llama.cpp's server, and the embedded one where it runs by itself: every update is a GGUF file that
/// the server loads at its start.
struct LlamaServerAdapters: StudyDialect {
  let name = "llama-server"
  let summary = "adapters named at start, scaled by request"
  let continuesReplies = true

  func unserved(ofAllWeightsOf checkpoint: Checkpoint) -> String? {
    checkpoint.hasTiedHead ? "the embedding, which is the head too" : nil
  }

  func isSpoken(by server: ServerProbe) async throws -> Bool { try await server.adapters() != nil }

  func isSpoken(after command: CommandTemplate) -> Bool { command.has("lora") }

  func contradiction(in command: CommandTemplate) -> String? {
    command.has("lora")
      ? nil : "--serve: expected {lora} in the command of llama-server, found none"
  }

  func writeFiles(_ opening: ServerOpening) async throws -> [UpdateName: String] {
    let (models, folder) = (opening.models, opening.models.adapterFolder)
    if !models.updates.all.isEmpty { opening.events(.step("writing adapters to \(folder.path)")) }
    return try await runOnOwnThread(named: "loxeval-adapters") {
      var files: [UpdateName: String] = [:]
      for named in models.updates.all {
        let file = folder.appending(path: "\(named.name).gguf")
        do {
          guard let update = named.update.lowRank else {
            throw StudyError.denseUpdate(server: "llama-server", update: named.name.text)
          }
          try update.writeGGUF(to: file, for: models.checkpoint, replaceExisting: true)
        } catch CheckpointError.adapter(_, .llamaCppTiedEmbedding(let tensor)) {
          throw StudyError.unservedUpdate(
            server: "llama-server", update: named.name.text, tensor: tensor)
        }
        files[named.name] = file.path
      }
      return files
    }
  }

  func values(_ files: [UpdateName: String], _ models: ModelsToServe) -> [String: [String]] {
    let options = models.updates.names.compactMap { files[$0] }.flatMap { ["--lora", $0] }
    return ["lora": options.isEmpty ? [] : options + ["--lora-init-without-apply"]]
  }

  func open(
    _ probes: [ServerProbe], _ pool: EndpointPool, files: [UpdateName: String],
    _ opening: ServerOpening
  ) async throws -> SpokenDialect {
    var found: LlamaServerDialect?
    for probe in probes { found = try await dialect(of: probe, beside: found, files, opening) }
    return SpokenDialect(
      pool: pool, dialect: found ?? LlamaServerDialect(adapterIDs: [:]),
      model: try await opening.modelName(probes), build: await opening.builds(probes))
  }

  func admit(
    _ server: ServerProbe, beside first: SpokenDialect, files: [UpdateName: String],
    _ opening: ServerOpening
  ) async throws {
    try await server.require(model: first.model, build: first.build)
    _ = try await dialect(
      of: server, beside: first.dialect as? LlamaServerDialect, files, opening)
  }

  /// How one server's adapters are chosen, which is as at another.
  private func dialect(
    of server: ServerProbe, beside other: LlamaServerDialect?, _ files: [UpdateName: String],
    _ opening: ServerOpening
  ) async throws -> LlamaServerDialect {
    let dialect = try LlamaServerDialect(
      loaded: try await server.adapters() ?? [], for: opening.models.updates.names, files: files)
    if let other, !dialect.isAsked(as: other) {
      throw StudyError.servedModelDiffers(
        expected: "the adapters \(other.adapterIDs) at every endpoint",
        found: ["\(dialect.adapterIDs) at \(server.endpoint)"])
    }
    return dialect
  }
}
