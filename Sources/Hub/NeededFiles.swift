import Foundation
import Support

/// What of a repository is needed.
package enum RepositoryKind: Sendable {
  /// A model with all its weights.
  case model
  /// A PEFT adapter.
  case adapter
  /// Either, as it turns out.
  case any
}

/// Which files of a repository are wanted: no weights in another form, and none twice.
struct NeededFiles {
  static let configuration = "config.json"
  static let single = "model.safetensors"
  static let index = "model.safetensors.index.json"
  static let adapterConfiguration = "adapter_config.json"
  static let adapterWeights = "adapter_model.safetensors"

  /// What a model's folder is read for beside its configuration and weights; what it lacks of these must be
  /// known before it counts as complete.
  static let read = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
  ]
  /// What programs of others need of a model that was made from it.
  private static let passedOn = [
    "tokenizer.model", "vocab.json", "merges.txt", "chat_template.json",
  ]
  private static let furtherTemplates = "additional_chat_templates/"

  let isAdapter: Bool
  /// In the order in which they are linked: what a folder is known by comes last.
  let paths: [String]
  /// Whether the weights are the shards that the index names.
  let hasShards: Bool
  /// What a folder of this kind could have and this one lacks.
  let absent: [String]

  /// - Parameter listed: all paths of the repository.
  init(_ kind: RepositoryKind, of repository: String, listed: Set<String>) throws(HubError) {
    isAdapter =
      kind == .adapter || (kind == .any && listed.contains(Self.adapterConfiguration))
    if isAdapter {
      let wanted = [Self.adapterWeights, Self.adapterConfiguration]
      for path in wanted where !listed.contains(path) {
        throw .unusable(
          repository: repository,
          reason: "expected a PEFT adapter, and it has no \(path)\(Self.others(listed))")
      }
      (paths, hasShards, absent) = (wanted, false, [])
      return
    }
    guard listed.contains(Self.configuration) else {
      let hint =
        listed.contains(Self.adapterConfiguration)
        ? "; it is a PEFT adapter, which is no model by itself" : ""
      throw .unusable(
        repository: repository, reason: "expected a model, and it has no config.json\(hint)")
    }
    hasShards = !listed.contains(Self.single)
    guard !hasShards || listed.contains(Self.index) else {
      throw .unusable(
        repository: repository,
        reason: "expected weights in \(Self.single) or \(Self.index)\(Self.others(listed))")
    }
    let beside = (Self.read + Self.passedOn).filter(listed.contains)
    let templates = listed.filter {
      $0.hasPrefix(Self.furtherTemplates) && $0.hasSuffix(".jinja")
        && Self.isPlain($0.dropFirst(Self.furtherTemplates.count))
    }
    paths =
      beside + templates.sorted() + [hasShards ? Self.index : Self.single, Self.configuration]
    absent =
      Self.read.filter { !listed.contains($0) }
      + (kind == .any ? [Self.adapterConfiguration] : [])
  }

  /// Weights that are there in a form that is not read.
  private static func others(_ listed: Set<String>) -> String {
    let weights = listed.filter { path in
      [".bin", ".gguf", ".safetensors", ".pth", ".h5", ".msgpack"].contains { path.hasSuffix($0) }
    }.sorted()
    guard !weights.isEmpty else { return "" }
    return "; it has "
      + PrintableText.line(weights.prefix(3).joined(separator: ", "))
      + (weights.count > 3 ? " and \(weights.count - 3) more" : "")
  }

  /// A name that stays in its folder.
  static func isPlain(_ name: some StringProtocol) -> Bool {
    !name.isEmpty && !name.hasPrefix(".") && !name.utf8.contains { $0 == 0x2F || $0 < 0x20 }
  }

  /// The shards that an index names, sorted.
  static func shards(ofIndex bytes: Data, repository: String) throws(HubError) -> [String] {
    guard let node = try? JSONNode(parsing: [UInt8](bytes)),
      let members = node["weight_map"]?.members, !members.isEmpty
    else {
      throw .unusable(
        repository: repository, reason: "\(index) names no shards under \"weight_map\"")
    }
    var names: Set<String> = []
    for member in members {
      guard let name = member.value.text, isPlain(name), name.hasSuffix(".safetensors") else {
        throw .unusable(
          repository: repository,
          reason: "\(index) puts tensor \(PrintableText.line(member.key)) into "
            + "\(member.value.excerpt), and expected is the name of a safetensors file beside it")
      }
      names.insert(name)
    }
    return names.sorted()
  }
}

extension CachedRepository {
  /// What a commit in the cache lacks.
  enum Completeness: Equatable {
    /// All that can be wanted is there, or known to be nowhere.
    case complete
    /// Configuration and weights are there; nobody knows of these whether the commit has them.
    case unclear([String])
    case missing([String])
  }

  func completeness(of commit: String, _ kind: RepositoryKind) -> Completeness {
    func lacking(_ paths: [String]) -> [String] { paths.filter { !has($0, commit) } }
    let adapter = [NeededFiles.adapterConfiguration, NeededFiles.adapterWeights]
    let isAdapter = kind == .adapter || (kind == .any && has(adapter[0], commit))
    if isAdapter {
      let missing = lacking(adapter)
      return missing.isEmpty ? .complete : .missing(missing)
    }
    var missing = lacking([NeededFiles.configuration])
    if !has(NeededFiles.single, commit) {
      let index = snapshot(commit).appending(path: NeededFiles.index)
      if let file = try? InputFile(index, .settings),
        let shards = try? NeededFiles.shards(ofIndex: file.body, repository: "")
      {
        missing += lacking(shards)
      } else {
        missing.append(NeededFiles.single)
      }
    }
    guard missing.isEmpty else { return .missing(missing) }
    let unclear = (NeededFiles.read + (kind == .any ? [adapter[0]] : [])).filter {
      !has($0, commit) && !isKnownAbsent($0, commit)
    }
    return unclear.isEmpty ? .complete : .unclear(unclear)
  }
}
