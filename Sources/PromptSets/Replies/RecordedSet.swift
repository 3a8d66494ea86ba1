package import Foundation
import ModelAccess
package import Support

/// Replies that others recorded, as a prompt set with what was answered to each of its prompts.
package struct RecordedSet: Sendable {
  package let set: PromptSet
  /// How many replies each prompt has.
  package let samples: Int
  package let form: ReplyForm
  /// SHA-256 of the file of replies.
  package let digest: String
  /// The model that the file says it is of.
  package let model: String?
  /// Prompts of the data set that the file has no reply to.
  package let unanswered: Int
  /// By prompt's id, each prompt's in their order.
  private let replies: [String: [ReplyRecord]]

  /// The nth reply to a prompt; nil where there is none.
  package func reply(to prompt: String, number: Int) -> ReplyRecord? {
    guard let all = replies[prompt], all.indices.contains(number) else { return nil }
    return all[number]
  }

  /// What is read of a file.
  package struct Source {
    let path: String
    let name: String
    let file: ReplyFile

    /// - Parameter name: what the set is called; nil for the file's name without its extension.
    package init(_ url: URL, name: String?) throws(FileError) {
      path = url.path
      self.name = name ?? url.deletingPathExtension().lastPathComponent
      file = try ReplyFile(url)
    }
  }

  /// The set that a file is by itself: its prompts are those that it has replies to.
  ///
  /// - Parameter limit: only the first so many prompts.
  package init(_ source: Source, limit: Int?) throws(FileError) {
    var groups = Groups(source)
    var texts: [String: [String]] = [:]
    for record in source.file.records {
      let own = record.id ?? Self.id(of: record.prompt)
      // Several attacks on one behaviour are several prompts.
      var known = texts[own, default: []]
      let place = known.firstIndex(of: record.prompt) ?? known.count
      if place == known.count { known.append(record.prompt) }
      texts[own] = known
      let id = place == 0 ? own : "\(own)#\(place + 1)"
      try groups.add(
        record,
        to: Prompt(
          id: id, category: record.category ?? "none", prompt: record.prompt,
          reference: record.reference))
    }
    let kind = try Self.kind(of: source)
    let prompts = groups.prompts
    try self.init(
      source, groups,
      PromptSet(
        name: source.name, kind: kind,
        prompts: limit.map { Array(prompts.prefix($0)) } ?? prompts,
        digest: Self.digest(of: prompts)), unanswered: 0)
  }

  /// The sets that a file has replies to.
  ///
  /// - Parameter sets: a reply belongs to the prompt that asks the same, else to that of its id.
  package static func read(
    _ source: Source, of sets: [PromptSet], limit: Int?
  ) throws(FileError) -> [RecordedSet] {
    var byText: [String: (set: Int, prompt: Int)] = [:]
    var byID: [String: (set: Int, prompt: Int)] = [:]
    for (index, set) in sets.enumerated() {
      for (place, prompt) in set.prompts.enumerated() {
        if byText[trimmed(prompt.prompt)] == nil { byText[trimmed(prompt.prompt)] = (index, place) }
        if byID[prompt.id] == nil { byID[prompt.id] = (index, place) }
      }
    }
    var groups = sets.map { _ in Groups(source) }
    for record in source.file.records {
      guard
        let found = byText[trimmed(record.prompt)] ?? record.id.flatMap({ byID[$0] })
      else {
        throw record.place.error(
          path: source.path,
          expected: "a prompt of \(sets.map(\.name).joined(separator: ", ")), by its text or id",
          found: "\(record.id.map { "\($0), " } ?? "")\(record.prompt.shortened)")
      }
      try groups[found.set].add(record, to: sets[found.set].prompts[found.prompt])
    }
    var found: [RecordedSet] = []
    for (set, groups) in zip(sets, groups) where !groups.prompts.isEmpty {
      let answered = Set(groups.prompts.map(\.id))
      var own = set
      own.prompts = set.prompts.filter { answered.contains($0.id) }
      if let limit { own.prompts = Array(own.prompts.prefix(limit)) }
      found.append(
        try RecordedSet(
          source, groups, own, unanswered: set.prompts.count - answered.count))
    }
    return found
  }

  private init(
    _ source: Source, _ groups: Groups, _ set: PromptSet, unanswered: Int
  ) throws(FileError) {
    self.set = set
    self.unanswered = unanswered
    form = source.file.form
    digest = source.file.digest
    model = source.file.model
    replies = groups.ordered
    samples = try groups.count(path: source.path)
  }

  /// What a prompt without an id is known by, in whichever order files have it.
  private static func id(of prompt: String) -> String {
    "p-" + Digest.sha256(Data(prompt.utf8)).dropFirst("sha256:".count).prefix(12)
  }

  /// Of what is asked, in whichever order: the same of all files with replies to the same prompts.
  private static func digest(of prompts: [Prompt]) -> String {
    let texts = prompts.map { prompt in
      JSONNode.array(
        [prompt.id, prompt.prompt, prompt.reference ?? ""].map { .string($0) }
      ).serialized
    }
    return Digest.sha256(Data(texts.sorted().joined(separator: "\n").utf8))
  }

  private static func kind(of source: Source) throws(FileError) -> PromptKind {
    let known = source.file.records.filter { $0.kind != nil }
    guard let first = known.first, let kind = first.kind else {
      return PromptSetLoader.kind(
        ofFileNamed: source.name, otherwise: source.file.form == .lmEval ? .benign : .harmful)
    }
    if let other = known.first(where: { $0.kind != kind }) {
      throw other.place.error(
        path: source.path, expected: "replies to \(kind.rawValue) prompts only, as the first is",
        found: "one to a \(other.kind?.rawValue ?? "") one")
    }
    return kind
  }

  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// The replies to each prompt, while a file is read.
private struct Groups {
  private let path: String
  private(set) var prompts: [Prompt] = []
  private var replies: [String: [ReplyRecord]] = [:]

  init(_ source: RecordedSet.Source) { path = source.path }

  mutating func add(_ record: ReplyRecord, to prompt: Prompt) throws(FileError) {
    guard var all = replies[prompt.id] else {
      prompts.append(prompt)
      replies[prompt.id] = [record]
      return
    }
    guard let number = record.number, let place = all.firstIndex(where: { $0.number == number })
    else {
      replies[prompt.id] = all + [record]
      return
    }
    // A request that failed may have been made again.
    guard all[place].failure != nil else {
      throw record.place.error(
        path: path, expected: "each reply once",
        found: "reply \(number) to \(prompt.id) again")
    }
    all[place] = record
    replies[prompt.id] = all
  }

  var ordered: [String: [ReplyRecord]] {
    replies.mapValues { all in
      all.allSatisfy { $0.number != nil }
        ? all.sorted { ($0.number ?? 0) < ($1.number ?? 0) } : all
    }
  }

  /// How many replies each prompt has.
  func count(path: String) throws(FileError) -> Int {
    let count = prompts.first.flatMap { replies[$0.id]?.count } ?? 0
    if let other = prompts.first(where: { replies[$0.id]?.count != count }),
      let found = replies[other.id], let last = found.last
    {
      throw last.place.error(
        path: path,
        expected: "as many replies to each prompt, such as the \(count) to \(prompts[0].id)",
        found:
          "\(found.count) to \(other.id); what is another question needs an id or a text of its own"
      )
    }
    return count
  }
}
