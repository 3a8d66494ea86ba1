import Checkpoints
import Foundation
import Inference
import ModelAccess
import Support

/// vLLM: a variant's updates become one PEFT folder, which the server loads when the variant is first
/// asked.
struct VLLMAdapters: StudyDialect {
  let name = "vllm"
  let summary = "adapters loaded at run time"
  let continuesReplies = true
  // It loads adapters at run time only where it is told that it may.
  let environment = ["VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"]

  func unserved(ofAllWeightsOf checkpoint: Checkpoint) -> String? { "the embedding" }

  func isSpoken(by server: ServerProbe) async throws -> Bool {
    if await server.build(of: .llamaCpp) != nil { return false }
    return await server.build(of: .vLLM) != nil
  }

  func isSpoken(after command: CommandTemplate) -> Bool { command.text.contains("--enable-lora") }

  func open(
    _ probes: [ServerProbe], _ pool: EndpointPool, files: [UpdateName: String],
    _ opening: ServerOpening
  ) async throws -> SpokenDialect {
    let models = opening.models
    try models.requireLinearUpdates(server: "vLLM")
    let model = try await opening.modelName(probes)
    let folder = models.adapterFolder
    // A server keeps what it computed by an adapter's name: other weights need another one.
    let digests = try await runOnOwnThread(named: "loxeval-digests") { models.updates.digests() }
    let nameOfAdapter: @Sendable ([ScaledUpdate]) -> String = { variant in
      let parts = [models.digest] + variant.map { "\(digests[$0.name] ?? "") × \($0.scale)" }
      let digest = Digest.sha256(Data(parts.joined(separator: "\n").utf8))
      return "loxeval-\(models.id(of: variant))-\(digest.dropFirst("sha256:".count).prefix(12))"
    }
    let dialect = VLLMDialect(
      model: model, nameOfAdapter: nameOfAdapter,
      write: { variant in
        let name = nameOfAdapter(variant)
        let place = folder.appending(path: name)
        let rank = try await runOnOwnThread(named: "loxeval-adapters") {
          let update = LowRankUpdate(
            stack: try models.updates.lowRankStack(variant, for: "vLLM"))
          try update.writePEFT(
            to: place, baseModel: models.checkpoint.folder.fullModelName, replaceExisting: true)
          return update.rank
        }
        return VLLMDialect.Adapter(name: name, folder: place, rank: rank)
      },
      discard: { variant in
        try? FileManager.default.removeItem(at: folder.appending(path: nameOfAdapter(variant)))
      })
    return SpokenDialect(
      pool: pool, dialect: dialect, probes: probes, model: model,
      build: await opening.builds(probes))
  }
}
