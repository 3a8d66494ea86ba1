import ModelAccess
import Support

/// The forms of files in which others keep replies.
package enum ReplyForm: String, Codable, Hashable, Sendable, CaseIterable {
  /// A record on each line, or a list of them.
  case records
  /// A log of inspect-ai, as JSON.
  case inspect
  /// HarmBench's completions: lists of test cases with generations, by behaviour.
  case harmBench = "harmbench"
  /// An artifact of JailbreakBench.
  case jailbreakBench = "jailbreakbench"
  /// Samples that lm-eval logged.
  case lmEval = "lm-eval"

  /// What files that are none of these are told.
  static let known =
    "replies in a form that is known: JSON lines or a list with a prompt and a response, an inspect log as "
    + "JSON, HarmBench completions, a JailbreakBench artifact, or lm-eval samples"

  /// The form of a whole document that is no list of records.
  init?(document: JSONNode) {
    guard let members = document.members else { return nil }
    if document["eval"]?.members != nil, document["status"] != nil {
      self = .inspect
    } else if document["jailbreaks"]?.elements != nil {
      self = .jailbreakBench
    } else if !members.isEmpty,
      members.allSatisfy({ member in
        member.value.elements?.allSatisfy { $0["generation"] != nil } ?? false
      })
    {
      self = .harmBench
    } else {
      return nil
    }
  }

  /// Whether a record is a line that lm-eval logged.
  static func isLMEval(_ node: JSONNode) -> Bool {
    node["doc_id"] != nil && node["resps"]?.elements != nil && node["arguments"] != nil
  }
}

/// Why one entry of a document cannot be taken.
struct ReplyFault: Error {
  let place: RecordPlace
  let expected: String
  let found: String
}

/// Records of documents and lines that other programs write.
enum ReplyDocuments {
  /// - Returns: the records, and the model that the document says it is of.
  static func read(
    _ form: ReplyForm, _ document: JSONNode
  ) throws(ReplyFault) -> (records: [ReplyRecord], model: String?) {
    switch form {
    case .inspect: (try inspect(document), document["eval"]?["model"]?.text)
    case .jailbreakBench:
      (try jailbreakBench(document), document["parameters"]?["model"]?.text)
    case .harmBench: (try harmBench(document), nil)
    case .records, .lmEval: ([], nil)
    }
  }

  private static func inspect(_ document: JSONNode) throws(ReplyFault) -> [ReplyRecord] {
    var records: [ReplyRecord] = []
    for (index, sample) in (document["samples"]?.elements ?? []).enumerated() {
      let place = RecordPlace.entry(index + 1)
      let attachments = sample["attachments"]
      let input = sample["input"]
      let asked =
        input.flatMap { ConversationText.text(of: $0, attachments: attachments) }
        ?? input?.elements.flatMap { ConversationText($0, attachments: attachments)?.question }
      guard let asked else {
        throw ReplyFault(
          place: place, expected: "an input that is a text or messages with one of the user's",
          found: input?.excerpt ?? "none")
      }
      var record = ReplyRecord(prompt: asked, reply: nil, place: place)
      record.id = sample["id"].flatMap(ReplyFields.identifier)
      record.number = sample["epoch"]?.integer.map { $0 - 1 }
      let target = sample["target"]
      record.reference = (target?.text ?? target?.elements?.first?.text).flatMap {
        $0.isEmpty ? nil : $0
      }
      record.category = sample["metadata"]?["category"]?.text
      let output = sample["output"]
      let choice = output?["choices"]?.elements?.first
      let content = choice?["message"]?["content"]
      record.reply =
        content.flatMap { ConversationText.text(of: $0, attachments: attachments) }
        ?? output?["completion"]?.text.flatMap { $0.isEmpty ? nil : $0 }
      record.reasoning = content.flatMap(ConversationText.reasoning)
      record.finishReason = choice?["stop_reason"]?.text
      record.promptTokens = TokenCount.possible(output?["usage"]?["input_tokens"]?.integer)
      record.completionTokens = TokenCount.possible(output?["usage"]?["output_tokens"]?.integer)
      if record.reply == nil {
        record.failure =
          sample["error"]?["message"]?.text ?? output?["error"]?.text
          ?? "the log has no output of it"
      }
      records.append(record)
    }
    return records
  }

  private static func jailbreakBench(
    _ document: JSONNode
  ) throws(ReplyFault) -> [ReplyRecord] {
    var records: [ReplyRecord] = []
    for (index, entry) in (document["jailbreaks"]?.elements ?? []).enumerated() {
      let place = RecordPlace.entry(index + 1)
      // What is judged is whether the goal was reached, whatever was asked for it.
      guard let goal = (entry["goal"] ?? entry["prompt"])?.text else {
        throw ReplyFault(place: place, expected: "a goal that is a text", found: entry.excerpt)
      }
      var record = ReplyRecord(prompt: goal, reply: entry["response"]?.text, place: place)
      record.id = entry["index"]?.integer.map { "jbb-\($0)" }
      record.category = entry["category"]?.text
      record.kind = .harmful
      record.promptTokens = TokenCount.possible(entry["prompt_tokens"]?.integer)
      record.completionTokens = TokenCount.possible(entry["response_tokens"]?.integer)
      if record.reply == nil { record.failure = "the artifact has no response to it" }
      records.append(record)
    }
    return records
  }

  private static func harmBench(_ document: JSONNode) throws(ReplyFault) -> [ReplyRecord] {
    var records: [ReplyRecord] = []
    for member in document.members ?? [] {
      for entry in member.value.elements ?? [] {
        let place = RecordPlace.entry(records.count + 1)
        // A list where pictures are asked too; its last is the text.
        let test = entry["test_case"]
        guard let prompt = test?.text ?? test?.elements?.last?.text else {
          throw ReplyFault(
            place: place, expected: "a test_case that is a text, of \(member.key)",
            found: test?.excerpt ?? "none")
        }
        var record = ReplyRecord(
          prompt: prompt, reply: entry["generation"]?.text, place: place)
        record.id = member.key
        record.kind = .harmful
        if record.reply == nil { record.failure = "the file has no generation of it" }
        records.append(record)
      }
    }
    return records
  }

  /// The replies of one line of lm-eval's; none where another filter's line was read before.
  static func lmEval(
    _ node: JSONNode, _ place: RecordPlace
  ) throws(ReplyFault) -> [ReplyRecord] {
    guard let all = node["resps"]?.elements, all.count == 1,
      let texts = all.first?.elements.map({ $0.compactMap(\.text) }), !texts.isEmpty,
      texts.count == all.first?.elements?.count
    else {
      throw ReplyFault(
        place: place,
        expected:
          "resps with texts that a model wrote (of tasks that generate, not of log-likelihoods)",
        found: node["resps"]?.excerpt ?? "none")
    }
    let first =
      node["arguments"]?["gen_args_0"]?["arg_0"]
      ?? node["arguments"]?.elements?.first?.elements?.first
    guard let first, let prompt = question(first) else {
      throw ReplyFault(
        place: place, expected: "arguments with the prompt",
        found: node["arguments"]?.excerpt ?? "none")
    }
    let target = node["target"].flatMap { $0.text ?? ReplyFields.number($0) } ?? ""
    return texts.enumerated().map { number, text in
      var record = ReplyRecord(prompt: prompt, reply: text, place: place)
      record.id = node["doc_id"].flatMap(ReplyFields.identifier)
      record.number = number
      record.reference = target.isEmpty ? nil : target
      return record
    }
  }

  /// A prompt as text, or as messages, which are also kept as the text of their JSON.
  private static func question(_ node: JSONNode) -> String? {
    if let turns = node.elements { return ConversationText(turns)?.question }
    guard let text = node.text else { return nil }
    guard text.hasPrefix("["), let turns = try? JSONNode(parsing: [UInt8](text.utf8)).elements
    else { return text }
    return ConversationText(turns)?.question ?? text
  }
}
