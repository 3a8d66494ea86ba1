package import ChatTemplates
package import Checkpoints
package import Foundation
import Inference
package import ModelAccess
import Runs

/// What a run's servers must serve: a checkpoint, the updates on it, and the stacks of them that the
/// plan asks.
package struct ServedStudy: Sendable {
  /// One model of the study.
  package struct Variant: Sendable {
    /// Names it in files: `r6-a1.25-identity-shift`.
    package var id: String
    package var stack: [ScaledUpdate]
  }

  package var checkpoint: Checkpoint
  /// `Checkpoint.digest()`, computed once.
  package var digest: String
  package var updates: [(name: String, update: LowRankUpdate)]
  /// Each once, in the plan's order.
  package var variants: [Variant]
  package var run: URL
  package var chatFormat: ChatFormat?
  /// Requests at a time.
  package var connections: Int
  package var threads: Int
  package var version: String

  init(
    checkpoint: Checkpoint, digest: String, updates: [(name: String, update: LowRankUpdate)],
    cells: [Cell], measurement: Measurement, chatFormat: ChatFormat?
  ) {
    self.checkpoint = checkpoint
    self.digest = digest
    self.updates = updates
    var seen: Set<[ScaledUpdate]> = []
    variants = cells.filter { seen.insert($0.variant).inserted }
      .map { Variant(id: $0.modelID, stack: $0.variant) }
    run = measurement.output
    self.chatFormat = chatFormat
    connections = measurement.maxConnections
    threads = measurement.threads
    version = measurement.version
  }

  /// Updates by name.
  func updates(of stack: [ScaledUpdate]) -> [ScaledLowRankUpdate] {
    stack.compactMap { scaled in
      updates.first { $0.name == scaled.name }
        .map { ScaledLowRankUpdate($0.update, scale: scaled.scale) }
    }
  }

  func id(of stack: [ScaledUpdate]) -> String {
    variants.first { $0.stack == stack }?.id ?? stack.label
  }

  /// - Throws: `StudyError` where an update changes what the servers' adapters cannot.
  func requireLinearUpdates(server: String) throws(StudyError) {
    for (name, update) in updates {
      // Adapters of llama-server and vLLM change the linear layers inside the decoder's blocks.
      if let tensor = update.tensors.keys.sorted().first(where: { !$0.contains(".layers.") }) {
        throw .unservedUpdate(server: server, update: name, tensor: tensor)
      }
    }
  }
}
