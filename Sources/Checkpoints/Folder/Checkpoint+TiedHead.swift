import Foundation
import Support
import Synchronization

extension Checkpoint {
  /// An output head that is the embedding's matrix, as transformers 5 ties them.
  package struct TiedHead: Equatable, Sendable {
    /// The tensor that holds the matrix, by which updates name it: the embedding, or the head where only
    /// that is stored.
    package let name: String
    /// The head, where it is stored too, with the same values.
    package let copy: String?
  }

  /// The matrix that is both embedding and output head; nil where each has its own.
  ///
  /// An embedding without a head is both. Where the configuration ties the two, a head that is stored alone
  /// is both, and so are two that are equal; of two that differ each is used.
  package var tiedHead: TiedHead? {
    foundTiedHead.withLock { found in
      if let found { return found }
      let result = findTiedHead()
      found = .some(result)
      return result
    }
  }

  private func findTiedHead() -> TiedHead? {
    let names = naming
    let (embedding, head) = ("\(names.root)embed_tokens.weight", "\(names.head).weight")
    switch (tensor(named: embedding), tensor(named: head)) {
    case (nil, nil): return nil
    case (_?, nil): return TiedHead(name: embedding, copy: nil)
    case (nil, _?): return tiesHead ? TiedHead(name: head, copy: nil) : nil
    case (let first?, let second?):
      guard tiesHead, first.shape == second.shape, holdsTheSame(first, second) else { return nil }
      return TiedHead(name: embedding, copy: head)
    }
  }

  private func holdsTheSame(_ first: TensorDescription, _ second: TensorDescription) -> Bool {
    if first.dtype == second.dtype {
      guard let one = try? unsafe unsafeBytes(of: first.name),
        let other = try? unsafe unsafeBytes(of: second.name), one.count == other.count
      else { return false }
      guard let start = one.baseAddress, let otherStart = other.baseAddress else { return true }
      return unsafe memcmp(start, otherStart, one.count) == 0
    }
    guard let values = try? floats(named: first.name), let others = try? floats(named: second.name)
    else { return false }
    return values == others
  }

  /// What `config.json` says, or the default of the model's class in transformers; without such a file
  /// nothing speaks against it.
  private var tiesHead: Bool {
    guard let bytes = try? Self.settings(folder.appending(path: "config.json")),
      let settings = try? JSONNode(parsing: bytes)
    else { return true }
    let key = "tie_word_embeddings"
    if let flag = settings[key]?.flag ?? settings["text_config"]?[key]?.flag { return flag }
    let types = [settings["model_type"]?.text, settings["text_config"]?["model_type"]?.text]
    return types.contains { $0.map(Self.typesThatTie.contains) ?? false }
  }

  /// Model types whose class ties where the file does not say.
  private static let typesThatTie: Set<String> = [
    "gemma", "gemma2", "gemma3", "gemma3_text", "smollm3",
  ]

  /// Whether the output head uses the embedding's matrix.
  package var hasTiedHead: Bool { tiedHead != nil }
}

extension Checkpoint {
  /// The words before the names of a language model's tensors, which differ between published files of one
  /// model: a model that also sees keeps its text apart, and one saved without its head leaves them out.
  package struct Naming: Equatable, Sendable {
    /// Before the blocks', the embedding's and the last norm's, such as `model.`.
    package let root: String
    /// The head's module.
    package let head: String
    /// What transformers 5 puts in the root's place in a model that it has opened.
    package let moduleRoot: String

    /// The stored name of what transformers calls `model.…` or `lm_head…` in a language model alone.
    package func stored(_ name: String) -> String {
      if name.hasPrefix("model.") { return root + name.dropFirst("model.".count) }
      if name.hasPrefix(PEFTAdapter.headModule) {
        return head + name.dropFirst(PEFTAdapter.headModule.count)
      }
      return name
    }

    /// The same the other way.
    package func plain(_ stored: String) -> String {
      if stored == head || stored.hasPrefix("\(head).") {
        return PEFTAdapter.headModule + stored.dropFirst(head.count)
      }
      guard stored.hasPrefix(root) else { return stored }
      return "model." + stored.dropFirst(root.count)
    }

    /// The name under which an opened model has a stored tensor or module.
    func opened(_ stored: String) -> String {
      let plain = plain(stored)
      guard plain.hasPrefix("model.") else { return plain }
      return moduleRoot + plain.dropFirst("model.".count)
    }

    /// The stored name of a tensor of an opened model.
    func stored(opened name: String) -> String {
      name.hasPrefix(moduleRoot)
        ? root + name.dropFirst(moduleRoot.count) : stored(name)
    }
  }

  /// How this checkpoint names its language model's tensors.
  package var naming: Naming {
    let roots = ["model.", "model.language_model.", "language_model.model.", "language_model.", ""]
    let root = roots.first { root in
      ["embed_tokens.weight", "norm.weight"].contains { tensor(named: root + $0) != nil }
    }
    let head = [PEFTAdapter.headModule, "language_model.\(PEFTAdapter.headModule)"].first {
      tensor(named: "\($0).weight") != nil
    }
    // Of other architectures whatever stands there.
    let suffix = ".embed_tokens.weight"
    let other = tensorNames.first { $0.hasSuffix(suffix) }.map { $0.dropLast(suffix.count) + "." }
    return Naming(
      root: root ?? other.map(String.init) ?? "model.", head: head ?? PEFTAdapter.headModule,
      moduleRoot: root?.contains("language_model") == true ? "model.language_model." : "model.")
  }
}
