package import ModelAccess

/// llama.cpp's server and the embedded one: adapters are loaded at start, and each request lists
/// the ids and scales it wants.
///
/// What is not listed counts 0, but llama.cpp takes an empty list for no list, which means the scales
/// that the server was started with: so every loaded adapter is always listed.
package struct LlamaServerDialect: ServerDialect {
  package let name = "llama-server"
  /// Ids by the adapters' names, from `GET /lora-adapters`.
  package let adapterIDs: [UpdateName: Int]
  /// Of all adapters that the server has loaded, the study's or not.
  private let loadedIDs: [Int]
  /// Whether it is the embedded one, whose prompt cache is deterministic, which counts thoughts apart and
  /// computes variants together. llama.cpp's computes those requests together that choose the same scales.
  private let isEmbedded: Bool

  package init(
    adapterIDs: [UpdateName: Int], loadedIDs: [Int]? = nil, isEmbedded: Bool = false
  ) {
    self.isEmbedded = isEmbedded
    self.adapterIDs = adapterIDs
    self.loadedIDs = (loadedIDs ?? Array(adapterIDs.values)).sorted()
  }

  package var computesVariantsTogether: Bool { isEmbedded }

  /// Finds the updates among the adapters that a server has loaded: by the name it gives, or by its
  /// file's, without the extension.
  ///
  /// - Parameter files: the adapters' files by their updates' names, for the message.
  /// - Throws: `ChatFailure`, fatal, where one is missing.
  package init(
    loaded adapters: [ServerProbe.Adapter], for updates: [UpdateName], files: [UpdateName: String]
  ) throws(ChatFailure) {
    var ids: [String: Int] = [:]
    for adapter in adapters {
      for name in [adapter.name, adapter.path].compactMap(\.self) {
        let file = name.split(separator: "/").last.map(String.init) ?? name
        ids[file.hasSuffix(".gguf") ? String(file.dropLast(5)) : file] = adapter.id
      }
    }
    let missing = updates.filter { ids[$0.text] == nil }
    guard missing.isEmpty else {
      let options = updates.compactMap { files[$0] }.map { "--lora \($0)" }
      throw .fatal(
        "adapter-missing",
        "expected the server to have loaded \(missing.map(\.text).joined(separator: ", ")), found "
          + "\(adapters.isEmpty ? "no adapter" : ids.keys.sorted().joined(separator: ", ")); start "
          + "it with \((options + ["--lora-init-without-apply"]).joined(separator: " "))")
    }
    self.init(
      adapterIDs: Dictionary(
        updates.compactMap { name in ids[name.text].map { (name, $0) } },
        uniquingKeysWith: { first, _ in first }), loadedIDs: adapters.map(\.id))
  }

  /// Whether requests choose the same adapters at two servers.
  package func isAsked(as other: LlamaServerDialect) -> Bool {
    adapterIDs == other.adapterIDs && loadedIDs == other.loadedIDs
  }

  package func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields {
    var fields = DialectFields()
    var scales: [Int: Double] = [:]
    for update in variant {
      guard let id = adapterIDs[update.name] else {
        throw .fatal(
          "adapter-missing",
          "expected the server to have loaded the update \(update.name); it has "
            + "\(adapterIDs.keys.map(\.text).sorted())")
      }
      scales[id, default: 0] += update.scale
    }
    fields.lora = loadedIDs.map { .init(id: $0, scale: scales[$0] ?? 0) }
    if !isEmbedded { fields.cachePrompt = false }
    fields.takesReasoningBudget = isEmbedded
    return fields
  }
}
