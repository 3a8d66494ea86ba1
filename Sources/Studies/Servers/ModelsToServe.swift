package import ChatTemplates
package import Checkpoints
package import Foundation
import Inference
package import LinearAlgebra
package import ModelAccess
package import Runs

/// The models of a study as its servers must serve them: a checkpoint, the updates on it, and the stacks
/// of them that the plan asks.
package struct ModelsToServe: Sendable {
  /// One model of the study.
  package struct Variant: Sendable {
    /// Names it in files: `r6-a1.25-identity-shift`.
    package var id: String
    package var stack: [ScaledUpdate]
  }

  package var checkpoint: Checkpoint
  /// `Checkpoint.digest()`, computed once.
  package var digest: String
  package var updates: StudyUpdates
  /// Each once, in the plan's order.
  package var variants: [Variant]
  package var run: URL
  package var chatFormat = ChatFormatChoice()
  /// Requests at a time.
  package var connections: Int
  package var threads: Int
  package var arithmetic = Arithmetic.float32
  package var version: String
  /// How the models are asked.
  package var decoding = Decoding(maxTokens: 16)

  /// Where the updates' files for servers stand.
  var adapterFolder: URL { run.appending(path: "adapters").absoluteURL }

  func id(of stack: [ScaledUpdate]) -> String {
    variants.first { $0.stack == stack }?.id ?? stack.label
  }

  /// - Throws: `StudyError` where an update changes what the servers' adapters cannot.
  func requireLinearUpdates(server: String) throws(StudyError) {
    for named in updates.all {
      guard !named.update.isDense else {
        throw .denseUpdate(server: server, update: named.name.text)
      }
      // Adapters of llama-server and vLLM change the linear layers inside the decoder's blocks.
      if let tensor = named.update.tensorNames.first(where: { !$0.contains(".layers.") }) {
        throw .unservedUpdate(server: server, update: named.name.text, tensor: tensor)
      }
    }
  }
}

extension ModelsToServe {
  /// The models that some cells ask, each once, in the cells' order.
  ///
  /// - Parameter all: the study's cells, by which models have the same ids in all its parts; nil where those are
  ///   all.
  static func variants(of cells: [Cell], among all: [Cell]?) -> [Variant] {
    guard let all else { return variants(of: cells) }
    let stacks = Set(cells.map(\.variant))
    return variants(of: all).filter { stacks.contains($0.stack) }
  }

  package static func variants(of cells: [Cell]) -> [Variant] {
    var seen: Set<[ScaledUpdate]> = []
    // Ids name files, so they are told apart as updates are.
    var namer = UpdateNamer()
    return cells.filter { seen.insert($0.variant).inserted }.map {
      Variant(id: namer.name(resembling: $0.modelLabel).text, stack: $0.variant)
    }
  }

  /// What serves the models that some cells ask.
  init(
    checkpoint: Checkpoint, digest: String, updates: StudyUpdates,
    cells: [Cell], of all: [Cell]? = nil, measurement: Measurement, chatFormat: ChatFormatChoice
  ) {
    self.init(
      checkpoint: checkpoint, digest: digest, updates: updates,
      variants: Self.variants(of: cells, among: all), run: measurement.workspace,
      chatFormat: chatFormat, connections: measurement.maxConnections,
      threads: measurement.threads, arithmetic: measurement.arithmetic,
      version: measurement.version, decoding: measurement.decoding)
  }
}
