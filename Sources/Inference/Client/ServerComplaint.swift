import Foundation
import Support

/// What a server says went wrong, read out of whatever form its kind puts it in.
struct ServerComplaint {
  /// What became of a request.
  enum Kind {
    /// A filter of the provider's took the prompt or the reply: neither refusal nor answer.
    case filtered
    /// Nothing more is to be had for this account: quota, credit, payment.
    case unpaid
    /// The key is not the right one.
    case badKey
    /// There is no such model.
    case noModel
    case other
  }

  /// The sentence, as it stands there; nil where there is none.
  private(set) var sentence: String?
  /// What stands as a code, type, status or reason, in small letters and digits alone.
  private var codes: [String] = []
  /// Everything that is said, in small letters.
  private var said = ""
  /// The field that the error is about.
  private var fields: [String] = []
  /// A moderation's reasons stand beside the error.
  private var hasReasons = false
  /// A status that a gateway passes on inside the body.
  private(set) var innerStatus: Int?

  /// - Parameter node: a body, or the error in one.
  init(_ node: JSONNode) {
    let root = node.elements?.first ?? node
    let error = root["error"].flatMap { $0 == .null ? nil : $0 } ?? root
    sentence = Self.sentence(of: error) ?? Self.sentence(of: root)
    read(error, key: "error", depth: 0)
    if error["message"] == nil { read(root, key: "error", depth: 0) }
    said = said.lowercased()
    innerStatus = error["code"]?.integer ?? error["status"]?.integer
  }

  private static func sentence(of node: JSONNode) -> String? {
    if let text = node.text { return text.isEmpty ? nil : text }
    if let first = node.elements?.first { return sentence(of: first) }
    for key in ["message", "msg", "detail", "error", "error_msg", "error_message", "status_msg"] {
      if let value = node[key], let text = sentence(of: value) { return text }
    }
    for key in ["errors", "base_resp"] {
      if let value = node[key], let text = sentence(of: value) { return text }
    }
    return nil
  }

  /// What the request said may stand there too, and says nothing about the error.
  private static let echoes: Set<String> = [
    "input", "prompt", "messages", "request", "body", "choices", "content", "ctx", "usage",
  ]
  private static let codeKeys: Set<String> = [
    "code", "type", "status", "reason", "error_code", "error_type", "kind", "status_code",
    "blockreason", "block_reason",
  ]

  private mutating func read(_ node: JSONNode, key: String, depth: Int) {
    guard depth < 8 else { return }
    switch node {
    case .string(let text):
      if Self.codeKeys.contains(key.lowercased()) {
        codes.append(Self.plain(text))
      } else if key == "param" {
        fields.append(text)
      } else {
        said += text.prefix(4_000) + "\n"
      }
    case .number(let text):
      if Self.codeKeys.contains(key.lowercased()) { codes.append(Self.plain(text)) }
    case .array(let elements):
      if key == "reasons" || key == "flagged_input" { hasReasons = !elements.isEmpty }
      if key == "loc", let field = elements.last?.text { fields.append(field) }
      for element in elements.prefix(32) { read(element, key: key, depth: depth + 1) }
    case .object(let members):
      for member in members.prefix(64) where !Self.echoes.contains(member.key.lowercased()) {
        if member.key == "flagged_input" { hasReasons = true }
        read(member.value, key: member.key, depth: depth + 1)
      }
    case .boolean, .null:
      break
    }
  }

  private static func plain(_ text: String) -> String {
    String(text.lowercased().unicodeScalars.filter { CharacterSet.alphanumerics.contains($0) })
  }

  private func hasCode(_ parts: [String]) -> Bool {
    codes.contains { code in parts.contains { code.contains($0) } }
  }

  private func says(_ parts: [String]) -> Bool { parts.contains { said.contains($0) } }

  // MARK: - Kinds

  /// - Parameters:
  ///   - status: of the response.
  ///   - isLimited: whether the response says when to come back.
  func kind(status: Int, isLimited: Bool) -> Kind {
    if status == 401 { return .badKey }
    if status == 402 || hasCode(Self.unpaidCodes) { return .unpaid }
    if says(Self.unpaidWords), !isLimited { return .unpaid }
    if hasReasons || status == 451 || hasCode(Self.filterCodes) { return .filtered }
    if status != 429, says(Self.filterWords), !says(Self.accountWords) { return .filtered }
    if hasCode(Self.keyCodes) || says(Self.keyWords) { return .badKey }
    if hasCode(Self.modelCodes) { return .noModel }
    return .other
  }

  /// A word of a reply's finish reason that means a filter took the rest.
  static func isFilter(finishReason: String) -> Bool {
    if finishReason == "stop" || finishReason == "length" { return false }
    let word = plain(finishReason)
    return finishWords.contains { word.contains($0) }
  }

  private static let finishWords = [
    "contentfilter", "safety", "prohibited", "blocklist", "recitation", "spii", "guardrail",
    "sensitive", "toxic", "moderation", "flagged", "blocked", "refusal", "policy", "modelarmor",
  ]
  private static let filterCodes = [
    "contentfilter", "contentpolicy", "contentviolation", "contentmoderation", "contentblocked",
    "contentsafety", "responsibleai", "moderation", "safety", "guardrail", "sensitive",
    "datainspection", "policyviolation", "usagepolicy", "prohibitedcontent", "flagged", "blocklist",
    "riskdetect", "inappropriate", "harmful", "promptblocked", "unsafe",
  ]
  private static let filterWords = [
    "content filter", "content_filter", "content-filter", "contentfilter",
    "content management policy",
    "content policy", "content moderation", "moderation", "usage polic", "usage guideline",
    "safety system", "safety filter", "safety check", "safety polic", "safety reason",
    "safety setting", "safety guideline", "flagged", "content exists risk", "high risk",
    "guardrail",
    "was filtered", "were filtered", "been filtered", "prompt was blocked", "prompt blocked",
    "content blocked", "input blocked", "output blocked", "response was blocked",
    "request was blocked", "blocked by safety", "blocked by content", "inappropriate content",
    "prohibited content", "harmful content", "sensitive content", "unsafe content",
    "disallowed content", "risky content", "violates content", "violates our", "content violat",
    "policy violation", "acceptable use", "new_sensitive", "敏感", "不安全", "违规", "违法",
  ]
  /// A message about who asks and not about what is asked.
  private static let accountWords = [
    "api key", "api_key", "apikey", "account", "organization", "organisation", "billing",
    "rate limit", "ip address", "subscription", "credential",
  ]
  private static let unpaidCodes = [
    "insufficientquota", "insufficientbalance", "insufficientcredit", "insufficientfund",
    "billinghardlimit", "billingnotactive", "billinglimit", "creditsexhausted", "outofcredit",
    "paymentrequired", "arrear", "accountdeactivated", "exceededcurrentquota", "budgetexceeded",
    "spendinglimit", "balancenotenough",
  ]
  private static let unpaidWords = [
    "exceeded your current quota", "insufficient credit", "insufficient balance",
    "insufficient fund", "insufficient quota", "credit balance is too low", "out of credit",
    "no credits", "more credits", "add credits", "budget has been exceeded", "payment required",
    "spending limit", "billing hard limit", "check your plan and billing", "account balance",
    "余额不足", "欠费",
  ]
  private static let keyCodes = ["invalidapikey", "apikeyinvalid", "invalidauthentication"]
  private static let keyWords = ["api key not valid", "incorrect api key", "invalid api key"]
  private static let modelCodes = ["modelnotfound", "modelnotexist", "invalidmodel"]

  // MARK: - Fields

  private static let refusals = [
    "unsupported", "not support", "n't support", "unknown", "unrecognized", "unrecognised",
    "unexpected", "extra inputs", "extra field", "not permitted", "not allowed",
    "cannot find field",
    "not a valid", "only the default", "only default", "not available", "additional properties",
    "not accepted", "deprecated", "use max_completion_tokens", "use 'max_completion_tokens'",
    "cannot be used", "forbidden", "not recogni",
  ]
  private static let refusalCodes = [
    "unsupported", "unknownparameter", "extraforbidden", "unrecognized", "unexpected",
    "valueerrorextra",
  ]

  /// Those of some fields of the request's body that the server does not take, in their order.
  func refusedFields(among sent: [String]) -> [String] {
    guard hasCode(Self.refusalCodes) || says(Self.refusals) else { return [] }
    let named = sent.filter { field in
      fields.contains { $0 == field || $0.hasSuffix(".\(field)") }
    }
    if !named.isEmpty { return named }
    // A message that speaks of one field may name another as the way out.
    return sent.filter(isWord)
  }

  private func isWord(_ field: String) -> Bool {
    var from = said.startIndex
    func isPart(_ character: Character?) -> Bool {
      character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
    }
    while let found = said[from...].range(of: field) {
      from = found.upperBound
      let before =
        found.lowerBound > said.startIndex ? said[said.index(before: found.lowerBound)] : nil
      if !isPart(before), !isPart(said[from...].first) { return true }
    }
    return false
  }
}
